"""What an operator asks of PostgreSQL: what is stored, and whether it is set up as promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from ingest.store import migrations, session
from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.store.session import Connection

STORED: LiteralString = """
    SELECT coalesce(sum(stored), 0)::bigint, coalesce(sum(duplicates), 0)::bigint,
        coalesce(sum(dead), 0)::bigint
    FROM ledger
"""
OLDEST_VERSION = 14  # the first whose ATTACH PARTITION and detaching do what partitions.py needs


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


def faults(dsn: str) -> list[str]:
    """Say what keeps a promise from being kept; raises when the database can't be reached."""
    with session.connect(dsn, "ingest check") as connection:
        migrations.check(connection)
        return _settings(connection)


def _settings(connection: Connection) -> list[str]:
    found = []
    version = connection.info.server_version // 10_000
    if version < OLDEST_VERSION:
        found.append(f"PostgreSQL is version {version}, {OLDEST_VERSION} is the oldest that works")
    for name in ("fsync", "full_page_writes"):
        with translated():
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        if row != ("on",):
            found.append(f"PostgreSQL: {name} is off: a crash of the machine loses events")
    return found
