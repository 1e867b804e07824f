"""What PostgreSQL says of a shard at one moment: position, ledger and last fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString, NamedTuple

import psycopg

from ingest.store import fold
from ingest.store.errors import translated
from ingest.store.fold import Fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.store.copy import Line
    from ingest.store.session import Connection

POSITION: LiteralString = "SELECT entry_id FROM position WHERE shard = %s"
LEDGER: LiteralString = """
    SELECT uuid_send(project_id), extract(epoch FROM hour)::bigint / 3600,
        accepted, stored, duplicates, dead
    FROM ledger
    WHERE shard = %s AND hour >= to_timestamp(%s * 3600::bigint)
    AND hour < to_timestamp(%s * 3600::bigint)
"""


class Counts(NamedTuple):
    """A line of the ledger; `accepted` are those that were folded."""

    accepted: int
    stored: int
    duplicates: int
    dead: int


@dataclass(frozen=True, slots=True)
class Books:
    """One shard in one snapshot of the database."""

    position: str
    fold: Fold
    lines: Mapping[Line, Counts]


def shards(connection: Connection) -> list[int]:
    """Give the shards that have a position."""
    with translated():
        return [shard for (shard,) in connection.execute("SELECT shard FROM position ORDER BY 1")]


def read(connection: Connection, shard: int, since_hour: int, until_hour: int) -> Books:
    """Read a shard, its ledger from one unix hour up to another; Retryable or NeedsPerson."""
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with translated(), connection.transaction():
        position = connection.execute(POSITION, (shard,)).fetchone()
        last = connection.execute(fold.LAST, (shard,)).fetchone()
        rows = connection.execute(LEDGER, (shard, since_hour, until_hour)).fetchall()
    lines = {(bytes(project), int(hour)): Counts(*counts) for project, hour, *counts in rows}
    return Books(
        position[0] if position else "0-0",
        fold.read(last) if last else Fold("", 0, {}),
        lines,
    )
