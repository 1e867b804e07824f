"""Reads events out of `event` as lines of JSON, in the order of (timestamp, event_id, project_id).

PostgreSQL writes the lines: COPY in its CSV form with a quote and a delimiter that JSON text never
holds, so that each comes as it is, and properties keep every digit. One day is one COPY, so that a
sort is bounded by a day and no snapshot is held for long; each day is read as it is at one moment.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, LiteralString, NamedTuple
from uuid import UUID

import orjson
from psycopg import sql

from ingest.errors import Retryable
from ingest.store import partitions, session
from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.session import Connection

DAY_S = 86_400
LAST_PROJECT = UUID(int=(1 << 128) - 1)
# A server that restarts is back within some seconds; what was given is not read again.
ATTEMPTS = 6
PAUSE_S = 0.5
# A day's events are sorted; with the default of 4 MB that is done on disk.
SESSION: LiteralString = """
    SELECT set_config('work_mem', '64MB', false), set_config('timezone', 'UTC', false),
        set_config('client_encoding', 'UTF8', false)
"""
COPY: LiteralString = r"""
    COPY (
        SELECT row_to_json(line) FROM (
            SELECT event_id, project_id, event_type, timestamp, received_at, user_id, session_id,
                properties
            FROM event
            WHERE timestamp >= {since} AND timestamp < {until} AND {chosen}
            ORDER BY timestamp, event_id, project_id
        ) AS line
    ) TO STDOUT (FORMAT csv, QUOTE E'\x01', ESCAPE E'\x01', DELIMITER E'\x02')
"""


class Place(NamedTuple):
    """Where an event stands in the order."""

    timestamp: datetime
    event_id: UUID
    project_id: UUID = LAST_PROJECT

    @classmethod
    def of(cls, line: bytes) -> Place:
        """Read it from a line."""
        event = orjson.loads(line)
        return cls(
            datetime.fromisoformat(event["timestamp"]),
            UUID(event["event_id"]),
            UUID(event["project_id"]),
        )


@dataclass(frozen=True, slots=True)
class Range:
    """What is asked for: of one project or all, times from `since` and before `until`.

    With `after` only what comes behind that place.
    """

    project_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: Place | None = None


class Exported(NamedTuple):
    """A line with its newline, and how many days are left with the one that it lies on."""

    line: bytes
    days_left: int


def lines(dsn: str, wanted: Range) -> Iterator[Exported]:
    """Read the lines; one at a time is held. Raises Retryable or NeedsPerson.

    A connection that is lost is made again, and reading goes on behind the last line.
    """
    last = b""
    failed = 0
    while True:
        try:
            for exported in _lines(dsn, wanted):
                last, failed = exported.line, 0
                yield exported
        except Retryable:
            failed += 1
            if failed == ATTEMPTS:
                raise
            time.sleep(PAUSE_S * failed)
            wanted = replace(wanted, after=Place.of(last)) if last else wanted
        else:
            return


def _lines(dsn: str, wanted: Range) -> Iterator[Exported]:
    # Closed and not rolled back: an interrupt leaves the COPY running, and nothing was written.
    with closing(session.connect(dsn, "ingest export")) as connection:
        with translated():
            connection.execute(SESSION)
        days = _days(connection, wanted)
        for number, day in enumerate(days):
            for line in _day(connection, wanted, day):
                yield Exported(line, len(days) - number)


def _days(connection: Connection, wanted: Range) -> list[int]:
    first = max(
        (_unix_day(at) for at in (wanted.since, wanted.after and wanted.after.timestamp) if at),
        default=0,
    )
    found = sorted(day for day in partitions.existing(connection) if day >= first)
    if wanted.until is None:
        return found
    return [day for day in found if day * DAY_S < wanted.until.timestamp()]


def _day(connection: Connection, wanted: Range, day: int) -> Iterator[bytes]:
    midnight = datetime.fromtimestamp(day * DAY_S, UTC)
    next_midnight = datetime.fromtimestamp((day + 1) * DAY_S, UTC)
    statement = sql.SQL(COPY).format(
        since=sql.Literal(max(midnight, wanted.since or midnight)),
        until=sql.Literal(min(next_midnight, wanted.until or next_midnight)),
        chosen=_chosen(wanted),
    )
    with translated(), connection.cursor() as cursor, cursor.copy(statement) as copy:
        for line in copy:
            yield bytes(line)


def _chosen(wanted: Range) -> sql.Composable:
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if wanted.project_id is not None:
        conditions.append(sql.SQL("project_id = {}").format(sql.Literal(wanted.project_id)))
    if wanted.after is not None:
        place = sql.SQL(", ").join(map(sql.Literal, wanted.after))
        conditions.append(sql.SQL("(timestamp, event_id, project_id) > ({})").format(place))
    return sql.SQL(" AND ").join(conditions)


def _unix_day(at: datetime) -> int:
    return int(at.timestamp() // DAY_S)
