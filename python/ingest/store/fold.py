"""The first half of a fold: counts of closed hours are added to the ledger, under a number.

A single statement, so that no lock outlives the client that waits for its answer.
stream/accepted.py has the second half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.store.copy import Line
    from ingest.store.session import Connection

LAST: LiteralString = "SELECT data_set, number, fields, rows FROM fold WHERE shard = %s"
RECORD: LiteralString = """
    WITH moved AS (
        INSERT INTO fold (shard, data_set, number, fields, rows)
        VALUES (%(shard)s, %(data_set)s, %(number)s, %(fields)s, %(rows)s)
        ON CONFLICT (shard) DO UPDATE SET data_set = excluded.data_set, number = excluded.number,
            fields = excluded.fields, rows = excluded.rows
        WHERE fold.data_set = %(last_data_set)s AND fold.number = %(last_number)s
        RETURNING shard
    )
    INSERT INTO ledger (shard, project_id, hour, accepted)
    SELECT shard, encode(project, 'hex')::uuid, to_timestamp(hour * 3600), accepted
    FROM moved, unnest(%(projects)s::bytea[], %(hours)s::bigint[], %(accepted)s::bigint[])
        AS line (project, hour, accepted)
    ORDER BY project, hour
    ON CONFLICT (shard, project_id, hour) DO UPDATE SET
        accepted = ledger.accepted + excluded.accepted
"""


@dataclass(frozen=True, slots=True)
class Fold:
    """Counters that were added to the ledger under the number; they must be taken from Valkey."""

    data_set: str
    number: int
    rows: Mapping[bytes, int]


def last(connection: Connection, shard: int) -> Fold | None:
    """Give a shard's last fold. Raises Retryable or NeedsPerson."""
    with translated():
        row = connection.execute(LAST, (shard,)).fetchone()
    return read(row) if row else None


def read(row: tuple[str, int, list[str], list[int]]) -> Fold:
    """Read a line of the table: data_set, number, fields, rows."""
    data_set, number, fields, rows = row
    return Fold(data_set, number, dict(zip(map(str.encode, fields), rows, strict=True)))


def record(
    connection: Connection, shard: int, fold: Fold, last: Fold | None, lines: Mapping[Line, int]
) -> bool:
    """Add `lines`, the sums of the fold's fields, to the ledger; False if another came before.

    Raises Retryable, after which it may have been done or not, or NeedsPerson.
    """
    parameters = {
        "shard": shard,
        "data_set": fold.data_set,
        "number": fold.number,
        "fields": [name.decode() for name in fold.rows],
        "rows": list(fold.rows.values()),
        "last_data_set": last and last.data_set,
        "last_number": last and last.number,
        "projects": [project for project, _ in lines],
        "hours": [hour for _, hour in lines],
        "accepted": list(lines.values()),
    }
    with translated():
        return connection.execute(RECORD, parameters).rowcount > 0
