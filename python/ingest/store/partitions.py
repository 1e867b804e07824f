"""Partitions of `event`, one a day (UTC), named event_YYYYMMDD: made ahead or on demand, dropped.

A partition is created as a table of its own and then attached: CREATE TABLE ... PARTITION OF and
DROP wait behind every running write of `event`, ATTACH and DETACH CONCURRENTLY do not. The table is
empty, so ATTACH has nothing to scan.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from psycopg import sql

from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingest.store.session import Connection

EPOCH = date(1970, 1, 1)
# Days outside are no day of an event: an entry's author lied, and its row goes to dead letters.
DAYS = range((date(2200, 1, 1) - EPOCH).days)
# Two consumers that miss the same day make it one after the other. Any fixed pair of numbers.
LOCK = (0x696E67, 0x706172)
NAME = re.compile(r"event_(\d{8})")


def existing(connection: Connection) -> set[int]:
    """Give the days that have a partition, as unix days."""
    with translated():
        rows = connection.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE inhparent = 'event'::regclass AND NOT inhdetachpending"
        )
        return {day for (name,) in rows if (day := day_of(name)) is not None}


def window(connection: Connection, back_days: int, ahead_days: int) -> range:
    """Give the unix days around today by the database's clock: events may lie on any of them."""
    with translated():
        row = connection.execute("SELECT extract(epoch FROM now())::bigint / 86400").fetchone()
    today = int(row[0]) if row else 0
    return range(today - back_days, today + ahead_days + 1)


def ensure(connection: Connection, days: Iterable[int]) -> set[int]:
    """Make the partitions that are missing, each in a transaction; give the days that were made."""
    missing = {day for day in days if day in DAYS} - existing(connection)
    return {day for day in sorted(missing) if _make(connection, day)}


def drop_oldest(connection: Connection, before_day: int) -> str | None:
    """Drop the oldest partition of the days before; give its name, None when there is none.

    Waits for running readers. What a crash or a time-out left half detached is finished by the
    next call.
    """
    with translated():
        for name, is_attached, is_pending in _tables(connection):
            found = day_of(name)
            if found is not None and found < before_day:
                _detach(connection, name, is_attached, is_pending)
                connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
                return name
    return None


def name_of(day: int) -> str:
    """Give the partition's name: unix day 20000 is event_20241004."""
    return f"event_{date_of(day):%Y%m%d}"


def date_of(day: int) -> date:
    """Give the date of a unix day."""
    return EPOCH + timedelta(days=day)


def day_of(name: str) -> int | None:
    """Give the unix day of a partition's name; None when it is no such name."""
    match = NAME.fullmatch(name)
    if match is None:
        return None
    try:
        found = datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
    return (found - EPOCH).days


def _make(connection: Connection, day: int) -> bool:
    with translated(), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)
        if day in existing(connection):
            return False
        names = {"name": sql.Identifier(name_of(day))}
        connection.execute(sql.SQL(_CREATE).format(**names))
        bounds = {"since": sql.Literal(_midnight(day)), "until": sql.Literal(_midnight(day + 1))}
        connection.execute(sql.SQL(_ATTACH).format(**names, **bounds))
    return True


# IF NOT EXISTS: a table that retention detached and did not get to drop is attached again.
_CREATE = "CREATE TABLE IF NOT EXISTS {name} (LIKE event INCLUDING ALL)"
_ATTACH = "ALTER TABLE event ATTACH PARTITION {name} FOR VALUES FROM ({since}) TO ({until})"
_TABLES = """
    SELECT relname, inhparent IS NOT NULL, coalesce(inhdetachpending, false)
    FROM pg_class
    LEFT JOIN pg_inherits ON inhrelid = pg_class.oid
    WHERE relkind = 'r' AND relname LIKE 'event\\_%'
    AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'event'::regclass)
    ORDER BY relname
"""


def _tables(connection: Connection) -> list[tuple[str, bool, bool]]:
    return [(name, attached, pending) for name, attached, pending in connection.execute(_TABLES)]


def _detach(connection: Connection, name: str, is_attached: bool, is_pending: bool) -> None:
    table = sql.Identifier(name)
    how = sql.SQL("FINALIZE" if is_pending else "CONCURRENTLY")
    if is_attached:
        statement = sql.SQL("ALTER TABLE event DETACH PARTITION {} {}").format(table, how)
        connection.execute(statement)


def _midnight(day: int) -> str:
    return f"{date_of(day)} 00:00:00+00"
