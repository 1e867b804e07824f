"""`ingest tail`: events and refusals as they come, from the admin process, until Ctrl-C."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from ingest.cli import options, tail_lines
from ingest.errors import IngestError, NeedsPerson, Retryable
from ingest.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingest.cli.admin_client import Message
    from ingest.cli.tail_lines import Item, Wanted
    from ingest.settings import Settings

PATH = "/api/v1/stream?topics="
PROJECT = "/api/v1/project/"
EVENTS, REFUSALS = "events", "refusals"
PAUSES_S = (0.5, 1, 2, 5)
# How often it is told that not all is shown.
SAMPLE_S = 5.0

Types = Annotated[
    list[str] | None, typer.Option("--type", help="Of this event type, or refused with this code.")
]
Only = Annotated[
    bool | None, typer.Option("--events/--refusals", help="Only the one.  [default: both]")
]


def tail(
    project: options.Project = None,
    types: Types = None,
    only: Only = None,
    as_json: options.Json = False,
    admin_url: options.AdminUrl = None,
    data: options.Data = None,
    config: options.Config = None,
) -> None:
    """Show events and refusals as they come; under load a sample."""
    settings = options.load(config, data_dir=data)
    topics = {None: [EVENTS, REFUSALS], True: [EVENTS], False: [REFUSALS]}[only]
    wanted = tail_lines.Wanted(_id(settings, admin_url, project), frozenset(types or ()))
    printer = _Printer(wanted, as_json)
    for message in _for_ever(settings, admin_url, topics):
        printer.take(message)


def _id(settings: Settings, admin_url: str | None, given: str | None) -> str | None:
    """Find a project by its name or id; as it was given while PostgreSQL is away."""
    from ingest.cli.admin_client import AdminClient

    if given is None:
        return None
    try:
        found = AdminClient.of(settings, admin_url).find(PROJECT + quote(given, safe=""))
    except Retryable:
        return given
    if found is None:
        raise NeedsPerson(f"there is no project {given!r}")
    return str(found["project_id"])


def _for_ever(
    settings: Settings, admin_url: str | None, topics: Sequence[str]
) -> Iterator[Message]:
    """Connect again whenever the stream ends; only a first connection that fails is raised."""
    from ingest.cli.admin_client import AdminClient

    failures, was_connected = 0, False
    while True:
        try:
            for message in AdminClient.of(settings, admin_url).stream(PATH + ",".join(topics)):
                if not message.topic:
                    told = f": waiting for {' and '.join(topics)}, Ctrl-C ends it"
                    typer.echo(f"-- connected{' again' if was_connected else told}", err=True)
                failures, was_connected = 0, True
                yield message
        except IngestError as error:
            if not was_connected:
                raise
            if failures == 0:
                typer.echo(visible(f"ingest: {error}; trying again"), err=True)
        time.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
        failures += 1


class _Printer:
    """Prints what is asked for, and from time to time how much of all that was."""

    def __init__(self, wanted: Wanted, as_json: bool) -> None:
        self._wanted = wanted
        self._as_json = as_json
        self._width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        self._seen = {EVENTS: 0, REFUSALS: 0}
        self._passed = {EVENTS: 0, REFUSALS: 0}
        self._told_at = time.monotonic()

    def take(self, message: Message) -> None:
        """Print what a message brings."""
        if message.topic not in self._seen:
            return
        items: list[Item] = message.body[message.topic]
        for item in items:
            if self._wanted.has(item):
                self._print(message.topic, item)
        self._seen[message.topic] += len(items)
        self._passed[message.topic] += message.body.get("passed", 0)
        if time.monotonic() - self._told_at > SAMPLE_S:
            self._told_at = time.monotonic()
            self._tell_sample()

    def _print(self, topic: str, item: Item) -> None:
        if self._as_json:
            typer.echo(tail_lines.as_json(topic[:-1], item))
        else:
            line = tail_lines.event_line if topic == EVENTS else tail_lines.refusal_line
            typer.echo(line(item, self._width))

    def _tell_sample(self) -> None:
        """Count anew from here; a little may still be under way, which is no sample."""
        seen, passed = self._seen, self._passed
        if any(passed[topic] > seen[topic] for topic in seen):
            if self._as_json:
                typer.echo(json.dumps({"kind": "sample", "seen": seen, "passed": passed}))
            else:
                told = [f"{seen[topic]:,} of {passed[topic]:,} {topic}" for topic in seen]
                typer.echo(f"-- a sample: saw {' and '.join(told)}", err=True)
        self._seen = dict.fromkeys(seen, 0)
        self._passed = dict.fromkeys(seen, 0)
