"""What an operator asks of PostgreSQL: what is stored, and up to where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from ingest.store import session
from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

STORED: LiteralString = """
    SELECT coalesce(sum(stored), 0)::bigint, coalesce(sum(duplicates), 0)::bigint,
        coalesce(sum(dead), 0)::bigint
    FROM ledger
"""


@dataclass(frozen=True)
class Survey:
    """One database at one moment, by the ledger and the positions."""

    version: int
    stored: int
    duplicates: int
    dead: int
    positions: Mapping[int, str]


def survey(dsn: str) -> Survey:
    """Ask a database over a connection of its own. Raises Retryable or NeedsPerson."""
    with session.connect(dsn, "ingest survey") as connection, translated():
        totals = connection.execute(STORED).fetchone()
        stored, duplicates, dead = totals or (0, 0, 0)
        rows = connection.execute("SELECT shard, entry_id FROM position")
        positions: dict[int, str] = dict(rows.fetchall())
        version = connection.info.server_version // 10_000
        return Survey(version, stored, duplicates, dead, positions)
