"""The fate of accepted events: stored, duplicates, dead, by shard, project and receive hour."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    from ingest.store.copy import Line
    from ingest.store.session import Connection

# Sorted, so that the lines are always locked in one order.
ADD: LiteralString = """
    INSERT INTO ledger (shard, project_id, hour, stored, duplicates, dead)
    SELECT %s, encode(project, 'hex')::uuid, to_timestamp(hour * 3600), stored, duplicates, dead
    FROM unnest(%s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS line (project, hour, stored, duplicates, dead)
    ORDER BY project, hour
    ON CONFLICT (shard, project_id, hour) DO UPDATE SET
        stored = ledger.stored + excluded.stored,
        duplicates = ledger.duplicates + excluded.duplicates,
        dead = ledger.dead + excluded.dead
"""


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of the rows of one transaction, by ledger line."""

    stored: Counter[Line] = field(default_factory=Counter)
    duplicates: Counter[Line] = field(default_factory=Counter)
    dead: Counter[Line] = field(default_factory=Counter)


def add(connection: Connection, shard: int, fates: Fates, *, commits: bool = False) -> None:
    """Add to the ledger in the caller's transaction. Raises psycopg's errors.

    With `commits` the transaction is committed, in the same round trip.
    """
    lines = [*{**fates.stored, **fates.duplicates, **fates.dead}]
    columns = (
        [project for project, _ in lines],
        [hour for _, hour in lines],
        [fates.stored[line] for line in lines],
        [fates.duplicates[line] for line in lines],
        [fates.dead[line] for line in lines],
    )
    with connection.pipeline():
        connection.execute(ADD, (shard, *columns))
        if commits:
            connection.execute("COMMIT")
