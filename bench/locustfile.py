"""The reference system's load profile for Locust, headless or with its web page.

    locust -f bench/locustfile.py MixedLoadUser --headless -u 1000 -r 100 -t 5m
    locust -f bench/locustfile.py StressBatchUser -u 200 -r 20          # page on port 8089
    locust -f bench/locustfile.py SingleEventUser --headless -u 20 -t 1m --invalid

With --invalid every fifth event is broken in one of six ways, and must be refused.

The system is found by `data/run.json` (or INGEST_RUN); six projects are made in it. For another
system give --host and INGEST_BENCH_KEYS, separated by commas. At the end of a headless run the
table is compared with the ids that the users were given; a missing one makes Locust exit with 1.
The six projects stay, with what was stored for them.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ingest.local.run_file import RunFile
from locust import FastHttpUser, between, events, task

from bench import projects
from bench.bodies import BATCH, SINGLE
from bench.e2e.verify import verify
from bench.machine import refuse_debug_build
from bench.workload import BROKEN_EVERY, REALISTIC, STRESS_BATCH, Event, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from locust.argument_parser import LocustArgumentParser
    from locust.env import Environment

SETTLE_S = 60.0
ACCEPTED, REFUSED = 202, 422


class Target:
    """Where requests go, with which keys, and which ids were given."""

    def __init__(self) -> None:
        """Read run.json, unless the environment names the keys."""
        refuse_debug_build()
        given = os.environ.get("INGEST_BENCH_KEYS")
        path = Path(os.environ.get("INGEST_RUN", "data/run.json"))
        self.run = None if given else RunFile.read(path)
        self.host = self.run.url if self.run else None
        made = projects.make(self.run.dsn, self.run.url) if self.run else []
        self.keys = given.split(",") if given else made
        self.ids = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process

    def note(self, answer: dict[str, Any]) -> int:
        """Write down the ids of an answer and count them."""
        ids = answer.get("event_ids") or [answer["event_id"]]
        self.ids.write(b"".join(UUID(text).bytes for text in ids))
        return len(ids)


TARGET = Target()


class ReferenceUser(FastHttpUser):
    """A user with a stream of events of its own, who chooses a project for each request."""

    abstract = True
    host = TARGET.host
    seeds: ClassVar[random.Random] = random.Random(1)
    singles: ClassVar[Iterator[int]] = count(1)

    def on_start(self) -> None:
        """Make the stream."""
        self.workload = Workload(self.seeds.getrandbits(64), datetime.now(UTC))
        self.breaks = bool(self.environment.parsed_options.invalid)

    def send(
        self, path: str, body: dict[str, Any], name: str, *, status: int = ACCEPTED, taken: int = 1
    ) -> None:
        """Send one request and note what was accepted: so many events, with that status."""
        headers = {"X-Api-Key": self.seeds.choice(TARGET.keys)}
        with self.client.post(
            path, json=body, headers=headers, name=name, catch_response=True
        ) as answer:
            accepted = TARGET.note(answer.json()) if answer.status_code == ACCEPTED else 0
            if (answer.status_code, accepted) == (status, taken):
                answer.success()
            elif answer.status_code == status:
                answer.failure(f"{accepted} of {taken} valid events were accepted")
            else:
                answer.failure(f"{answer.status_code} {(answer.text or '')[:200]}")

    def send_one(self, event_type: str) -> None:
        """Send one event; with --invalid every fifth is broken."""
        event = self.workload.event(event_type)
        if self.breaks and next(self.singles) % BROKEN_EVERY == 0:
            self.send(
                SINGLE,
                self.workload.broken(event),
                f"{event_type}, broken",
                status=REFUSED,
                taken=0,
            )
        else:
            self.send(SINGLE, event, event_type)

    def send_batch(self, events: list[Event], name: str) -> None:
        """Send a batch; with --invalid every fifth event is broken."""
        broken = self.workload.with_broken(events) if self.breaks else events
        taken = len(events) - (len(events) // BROKEN_EVERY if self.breaks else 0)
        self.send(BATCH, {"events": broken}, name, taken=taken)


class MixedLoadUser(ReferenceUser):
    """The realistic profile; 1000 of them."""

    wait_time = between(1, 3)

    @task(REALISTIC["page_view"])
    def page_view(self) -> None:
        """View a page."""
        self.send_one("page_view")

    @task(REALISTIC["product_view"])
    def product_view(self) -> None:
        """View a product."""
        self.send_one("product_view")

    @task(REALISTIC["add_to_cart"])
    def add_to_cart(self) -> None:
        """Put a product into the cart."""
        self.send_one("add_to_cart")

    @task(REALISTIC["remove_from_cart"])
    def remove_from_cart(self) -> None:
        """Take one out."""
        self.send_one("remove_from_cart")

    @task(REALISTIC["purchase"])
    def purchase(self) -> None:
        """Buy."""
        self.send_one("purchase")

    @task(REALISTIC["batch"])
    def batch(self) -> None:
        """Send a small batch."""
        self.send_batch(self.workload.small_batch(), "batch")


class StressBatchUser(ReferenceUser):
    """The crash test; 200 of them."""

    wait_time = between(0.1, 0.5)

    @task
    def batch(self) -> None:
        """Send a batch of 200."""
        self.send_batch(self.workload.batch(STRESS_BATCH), "batch of 200")


class SingleEventUser(ReferenceUser):
    """One page view at a time."""

    wait_time = between(0.1, 0.5)

    @task
    def page_view(self) -> None:
        """View a page."""
        self.send_one("page_view")


def compare(environment: Environment, **_given: object) -> None:
    """End the users, wait until what was accepted is in the table, and compare."""
    if TARGET.run is None:
        return
    if environment.runner is not None:
        environment.runner.stop()  # after Ctrl-C they would go on
    TARGET.ids.flush()
    path, deadline = Path(f"/dev/fd/{TARGET.ids.fileno()}"), time.monotonic() + SETTLE_S
    found = verify(TARGET.run.dsn, [path])
    while found.missing and time.monotonic() < deadline:
        time.sleep(1.0)
        found = verify(TARGET.run.dsn, [path])
    print(f"{found.acknowledged} acknowledged, {found.missing} missing, {found.doubled} doubled")
    if found.missing or found.doubled or found.reused:
        environment.process_exit_code = 1


def add_option(parser: LocustArgumentParser, **_given: object) -> None:
    """Add the invalid mode to the command line and the web page."""
    parser.add_argument(
        "--invalid", action="store_true", help="break every fifth event in one of six ways"
    )


events.init_command_line_parser.add_listener(add_option)  # type: ignore[no-untyped-call]
events.quitting.add_listener(compare)  # type: ignore[no-untyped-call]
