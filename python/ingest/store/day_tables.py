"""What each partition holds, as an operator asks: a day's rows, by estimate, and its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from ingest.store import partitions
from ingest.store.errors import translated

if TYPE_CHECKING:
    from datetime import date

    from ingest.store.session import Connection

# Counting would read every row: the planner's estimate or the live counter, whichever is more; the
# first lags behind inserts, the second begins at zero after a crash.
TABLES: LiteralString = """
    SELECT pg_class.relname, inhparent IS NOT NULL, pg_relation_size(pg_class.oid) > 0,
        greatest(reltuples::bigint, n_live_tup, 0), pg_total_relation_size(pg_class.oid)
    FROM pg_class
    LEFT JOIN pg_inherits ON inhrelid = pg_class.oid
    LEFT JOIN pg_stat_user_tables AS told ON told.relid = pg_class.oid
    WHERE relkind = 'r' AND pg_class.relname LIKE 'event\\_%'
    AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'event'::regclass)
    ORDER BY pg_class.relname
"""


@dataclass(frozen=True, slots=True)
class DayTable:
    """One day's table; `rows` is an estimate, None when PostgreSQL has none.

    One that is not attached is what a drop left behind; its events are not in `event` any more.
    """

    name: str
    day: date
    is_attached: bool
    rows: int | None
    nbytes: int


def find(connection: Connection, before_day: int | None = None) -> list[DayTable]:
    """List the tables of all days, or of the unix days before one. Retryable or NeedsPerson."""
    with translated():
        rows = connection.execute(TABLES).fetchall()
    found = [
        (day, DayTable(name, partitions.date_of(day), attached, _rows(is_used, count), nbytes))
        for name, attached, is_used, count, nbytes in rows
        if (day := partitions.day_of(name)) is not None
    ]
    return [table for day, table in found if before_day is None or day < before_day]


def _rows(is_used: bool, count: int) -> int | None:
    return None if is_used and not count else int(count)
