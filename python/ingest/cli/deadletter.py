"""`ingest deadletter`: shows what PostgreSQL refused, tries it again, or lets it go."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli import options, progress, servers
from ingest.errors import NeedsPerson, SettingsError
from ingest.plural import counted
from ingest.visible import visible, visible_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.store.kept_letters import KeptLetter, Pick
    from ingest.store.replay import Replayed
    from ingest.store.session import Connection

APP = typer.Typer(
    help="Show, replay or drop what PostgreSQL refused.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MESSAGE_CHARACTERS = 80

Id = Annotated[int, typer.Argument(help="Number of the letter.")]
Ids = Annotated[list[int] | None, typer.Argument(help="Numbers of letters.")]
Code = Annotated[str | None, typer.Option(help="With this SQLSTATE, or code of a bad entry.")]
Shard = Annotated[int | None, typer.Option(help="Of this shard.")]
Since = Annotated[
    datetime | None,
    typer.Option(parser=options.time, metavar="TIME", help=f"Dead since, {options.TIME}."),
]
Until = Annotated[
    datetime | None,
    typer.Option(parser=options.time, metavar="TIME", help=f"Dead before, {options.TIME}."),
]
Everything = Annotated[bool, typer.Option("--all", help="Every letter.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many, the newest.")]


@APP.command("list")
def list_letters(
    project: options.Project = None,
    code: Code = None,
    shard: Shard = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """List letters, the newest last."""
    from ingest.store import kept_letters

    with _connected(config, data, database_url) as connection:
        pick = _pick(connection, None, project, code, shard, since, until)
        found = kept_letters.find(connection, pick, limit)
        total = kept_letters.count(connection, pick)
    if as_json:
        typer.echo(json.dumps([_as_json(letter) for letter in found]))
        return
    for letter in found:
        typer.echo(_line(letter))
    typer.echo(f"{counted(total, 'dead letter')}, {len(found)} shown")


@APP.command()
def show(
    number: Id,
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Show one letter: the event and why it was refused."""
    from ingest.store import kept_letters

    with _connected(config, data, database_url) as connection:
        found = kept_letters.find(connection, kept_letters.Pick([number]))
    if not found:
        raise NeedsPerson(f"there is no dead letter {number}")
    typer.echo(json.dumps(_as_json(found[0])) if as_json else _text(found[0]))


@APP.command()
def replay(
    ids: Ids = None,
    project: options.Project = None,
    code: Code = None,
    shard: Shard = None,
    since: Since = None,
    until: Until = None,
    everything: Everything = False,
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Store letters that can be stored now; exits 1 if any stays."""
    from ingest.store import kept_letters
    from ingest.store.replay import Replayed
    from ingest.store.replay import replay as replay_letters

    total = Replayed()
    with _connected(config, data, database_url) as connection:
        pick = _pick(connection, ids, project, code, shard, since, until)
        _refuse_all_by_chance(pick, everything)
        with progress.bar("replaying", kept_letters.count(connection, pick)) as show:
            for done in replay_letters(connection, pick):
                total += done
                show(total.letters, f"{total.stored:,} stored, {total.dead:,} still dead")
    typer.echo(json.dumps(asdict(total)) if as_json else _told(total))
    _miss(ids, total.letters)
    if total.dead:
        raise typer.Exit(1)


@APP.command()
def drop(
    ids: Ids = None,
    project: options.Project = None,
    code: Code = None,
    shard: Shard = None,
    since: Since = None,
    until: Until = None,
    everything: Everything = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Delete letters for ever; the ledger keeps counting them."""
    from ingest.store import kept_letters

    with _connected(config, data, database_url) as connection:
        pick = _pick(connection, ids, project, code, shard, since, until)
        _refuse_all_by_chance(pick, everything)
        count = kept_letters.count(connection, pick)
        if count and not yes:
            typer.confirm(f"Delete {counted(count, 'dead letter')} for ever?", abort=True, err=True)
        with progress.bar("dropping"):
            dropped = kept_letters.drop(connection, pick)
    typer.echo(
        json.dumps({"letters": dropped}) if as_json else f"{counted(dropped, 'letter')} dropped"
    )
    _miss(ids, dropped)


@contextmanager
def _connected(
    config: Path | None, data: Path | None, database_url: str | None
) -> Iterator[Connection]:
    settings = options.load(config, data_dir=data, database_url=database_url)
    with servers.connected(settings, "deadletter") as connection:
        yield connection


def _pick(
    connection: Connection,
    ids: list[int] | None,
    project: str | None,
    code: str | None,
    shard: int | None,
    since: datetime | None,
    until: datetime | None,
) -> Pick:
    from ingest.store.kept_letters import Pick

    project_id = servers.project_id(connection, project)
    return Pick(ids or None, project_id, shard, code, since, until)


def _refuse_all_by_chance(pick: Pick, everything: bool) -> None:
    if pick.is_all and not everything:
        raise SettingsError("which letters: numbers, a filter or --all")


def _miss(ids: list[int] | None, found: int) -> None:
    if ids and found < len(set(ids)):
        missing = counted(len(set(ids)) - found, "letter")
        raise NeedsPerson(f"not there, or held by another replay: {missing}")


def _told(total: Replayed) -> str:
    return (
        f"{counted(total.letters, 'letter')}: {counted(total.stored, 'event')} stored,"
        f" {total.duplicates:,} already stored, {total.dead:,} still dead"
    )


def _as_json(letter: KeptLetter) -> dict[str, object]:
    texts = {name: str(value) for name, value in asdict(letter).items() if value is not None}
    plain = {"shard": letter.shard, "rows": letter.rows, "nbytes": letter.nbytes}
    exact = {"id": letter.id, "event": letter.event, "dead_at": letter.dead_at.isoformat()}
    return dict.fromkeys(asdict(letter)) | texts | plain | exact | {"code": letter.code}


def _line(letter: KeptLetter) -> str:
    owner = letter.project or letter.project_id or f"entry {letter.entry_id}"
    message = " ".join(letter.message.split())[:MESSAGE_CHARACTERS]
    at = letter.dead_at.astimezone(UTC)
    line = f"{letter.id:>8}  {at:%Y-%m-%d %H:%M:%S}  {owner}  {letter.code}  {message}"
    return visible(line)


def _text(letter: KeptLetter) -> str:
    named = f" ({letter.project})" if letter.project else ""
    what = f"event {letter.event_id} of project {letter.project_id}{named}"
    if letter.event_id is None:
        events = counted(letter.rows or 0, "event")
        what = f"a whole entry: {events} by its header, {letter.nbytes:,} bytes"
    lines = [
        f"letter   {letter.id}, since {letter.dead_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        f"what     {what}",
        f"from     shard {letter.shard}, entry {letter.entry_id}",
        f"code     {letter.code}" + (f", column {letter.column}" if letter.column else ""),
        f"message  {letter.message}",
    ]
    lines = [visible(line) for line in lines]
    if letter.event is not None:
        lines += ["", visible_json(json.dumps(letter.event, indent=2, ensure_ascii=False))]
    return "\n".join(lines)
