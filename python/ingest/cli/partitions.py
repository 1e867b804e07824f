"""`ingest partitions`: shows the days of the table, makes some ahead, drops old ones."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli import options, progress, servers
from ingest.errors import SettingsError
from ingest.plural import counted, form

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from ingest.settings import Settings
    from ingest.store.day_tables import DayTable
    from ingest.store.session import Connection

APP = typer.Typer(
    help="Show the days of the table, make some ahead, drop old ones.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
# A reader that holds a day up is waited for, but not for ever.
LOCK_TIMEOUT_MS = 30_000
MOST_DAYS = 3660
UNITS = ("B", "kB", "MB", "GB", "TB")

Ahead = Annotated[int | None, typer.Option(min=0, max=MOST_DAYS, help="Days after today.")]
Back = Annotated[int | None, typer.Option(min=0, max=MOST_DAYS, help="Days before today.")]
OlderThan = Annotated[
    str | None,
    typer.Option(metavar="DAYS|DATE", help="Which: 90 or 2026-08-01.  [default: retention_days]"),
]


@APP.command("list")
def list_partitions(
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """List the days with estimated rows and bytes."""
    from ingest.store import day_tables

    settings = options.load(config, data_dir=data, database_url=database_url)
    with _connected(settings) as connection:
        tables = day_tables.find(connection)
    if as_json:
        typer.echo(json.dumps([_as_json(table) for table in tables]))
        return
    typer.echo("\n".join([*map(_line, tables), _summary(tables), _retention(settings)]))


@APP.command()
def make(
    ahead: Ahead = None,
    back: Back = None,
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Make the missing days around today; consumers do so every hour."""
    from ingest.store import partitions

    settings = options.load(config, data_dir=data, database_url=database_url)
    back_days = settings.partitions_back_days if back is None else back
    ahead_days = settings.partitions_ahead_days if ahead is None else ahead
    with _connected(settings) as connection:
        days = partitions.window(connection, back_days, ahead_days)
        made = []
        with progress.bar("making partitions", len(days)) as show:
            for number, day in enumerate(days):
                made += sorted(partitions.ensure(connection, [day]))
                show(number + 1)
    names = [partitions.name_of(day) for day in made]
    _tell(names, as_json, "made")


@APP.command()
def drop(
    older_than: OlderThan = None,
    yes: options.Yes = False,
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Drop old days with their events, for ever."""
    from ingest.store import day_tables, partitions

    settings = options.load(config, data_dir=data, database_url=database_url)
    with _connected(settings) as connection:
        today = partitions.window(connection, 0, 0).start
        before = _before(older_than, settings, today)
        tables = day_tables.find(connection, before)
        if tables and not yes:
            typer.confirm(f"Drop {_summary(tables)}, all for ever?", abort=True, err=True)
        names = _drop(connection, tables, before)
    _tell(names, as_json, "dropped")


def _tell(names: Sequence[str], as_json: bool, done: str) -> None:
    told = f"{counted(len(names), 'day')} {done}"
    typer.echo(json.dumps(names) if as_json else "\n".join([*names, told]))


def _connected(settings: Settings) -> AbstractContextManager[Connection]:
    return servers.connected(settings, "partitions", LOCK_TIMEOUT_MS)


def _before(older_than: str | None, settings: Settings, today: int) -> int:
    """Give the unix day before which days go, today at the most: it and those ahead take events."""
    given = older_than or str(settings.retention_days or "")
    if not given:
        raise SettingsError("which days: --older-than 90 or --older-than 2026-08-01")
    if given.isascii() and given.isdigit():
        return max(0, today - int(given))
    try:
        before = (date.fromisoformat(given) - date(1970, 1, 1)).days
    except ValueError:
        told = f"--older-than: {given!r} is no number of days and no date: write 90 or 2026-08-01"
        raise SettingsError(told) from None
    if before > today:
        raise SettingsError("--older-than: a date that is not yet: today's events would go, too")
    return before


def _drop(connection: Connection, tables: Sequence[DayTable], before: int) -> list[str]:
    from ingest.store import partitions

    names: list[str] = []
    with progress.bar("dropping partitions", len(tables)) as show:
        while len(names) < len(tables):
            name = partitions.drop_oldest(connection, before)
            if name is None:
                break  # a consumer's retention was faster
            names.append(name)
            show(len(names), name)
    return names


def _as_json(table: DayTable) -> dict[str, object]:
    return {
        "name": table.name,
        "day": table.day.isoformat(),
        "is_attached": table.is_attached,
        "rows": table.rows,
        "bytes": table.nbytes,
    }


def _line(table: DayTable) -> str:
    rows = "not known" if table.rows is None else f"{table.rows:,}"
    left = "" if table.is_attached else "  left by a drop that did not end"
    noun = form(table.rows or 0, "row")
    return f"{table.day}  {rows:>15} {noun:<4}  {_size(table.nbytes):>9}{left}"


def _summary(tables: Sequence[DayTable]) -> str:
    rows = sum(table.rows or 0 for table in tables)
    nbytes = sum(table.nbytes for table in tables)
    return f"{counted(len(tables), 'day')}, about {counted(rows, 'row')}, {_size(nbytes)}"


def _retention(settings: Settings) -> str:
    if not settings.retention_days:
        return "retention_days is 0: consumers drop none"
    today = datetime.now(UTC).date().toordinal()
    first = date.fromordinal(today - settings.retention_days)
    return f"retention_days is {settings.retention_days}: consumers drop what is before {first}"


def _size(nbytes: int) -> str:
    size, unit = float(nbytes), 0
    while size >= 1000 and unit < len(UNITS) - 1:  # noqa: PLR2004
        size, unit = size / 1000, unit + 1
    return f"{size:.1f} {UNITS[unit]}" if unit else f"{nbytes} B"
