"""What admin asks PostgreSQL about once a second: positions, letters; now and then tables."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, LiteralString

from ingest.store import partitions, projects, session
from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.store.session import Connection

# What changes seldom or costs more is asked for again after so long.
SELDOM_S = 10.0
# A look takes some ms; a server that is frozen must not keep the other figures back.
PATIENCE_S = 5.0
# Counting more letters than this takes more than some ms; so many are counted each time.
MAX_LETTERS = 100_000
FEW_LETTERS = 1000
LETTERS: LiteralString = "SELECT count(*) FROM (SELECT FROM dead_letter LIMIT %s) AS letter"
UNSETTLED: LiteralString = """
    SELECT coalesce(sum(accepted - stored - duplicates - dead), 0)::bigint FROM ledger
    WHERE hour >= to_timestamp(%s::bigint * 3600)
"""


@dataclass(frozen=True, slots=True)
class Tables:
    """`days` are the unix days that have a partition, `today` is the database's.

    `plans` are those of all projects.
    """

    days: frozenset[int]
    today: int
    dead_letters: int
    plans: frozenset[str]

    @property
    def are_short(self) -> bool:
        """Whether today or tomorrow has no partition, which somebody is about to change."""
        return not {self.today, self.today + 1} <= self.days


@dataclass(frozen=True, slots=True)
class StoreLook:
    """PostgreSQL at one moment."""

    version: int
    positions: Mapping[int, str]
    tables: Tables


class StoreWatch:
    """A connection that is opened again when it is lost. Raises Retryable or NeedsPerson."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None
        self._tables: Tables | None = None
        self._asked_at = 0.0

    def look(self) -> StoreLook:
        """Look at the positions, and at the rest when it is due."""
        connection = self._connected()
        with session.patience(connection, PATIENCE_S):
            with translated():
                rows = connection.execute("SELECT shard, entry_id FROM position ORDER BY shard")
                positions: dict[int, str] = dict(rows.fetchall())
            version = connection.info.server_version // 10_000
            return StoreLook(version, positions, self._known(connection))

    def unsettled(self, since_hour: int) -> int:
        """Give what the ledger counts as accepted less what is settled, from a unix hour on.

        With what workers still count in Valkey that is what was accepted and is not committed.
        """
        connection = self._connected()
        with session.patience(connection, PATIENCE_S), translated():
            row = connection.execute(UNSETTLED, (since_hour,)).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()

    def _known(self, connection: Connection) -> Tables:
        now = time.monotonic()
        known = self._tables
        if known is None or now - self._asked_at >= SELDOM_S or known.are_short:
            known = self._tables = _tables(connection)
            self._asked_at = now
        elif known.dead_letters <= FEW_LETTERS:
            known = self._tables = replace(known, dead_letters=_letters(connection))
        return known

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = session.connect(self._dsn, "ingest admin")
        return self._connection


def _letters(connection: Connection) -> int:
    with translated():
        row = connection.execute(LETTERS, (MAX_LETTERS,)).fetchone()
    return int(row[0]) if row else 0


def _tables(connection: Connection) -> Tables:
    days = partitions.existing(connection)
    today = partitions.window(connection, 0, 0).start
    return Tables(frozenset(days), today, _letters(connection), projects.plans(connection))
