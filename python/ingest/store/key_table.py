"""Follows the tables of keys and projects: reads them whole, but only when something changed.

A row of its own, bumped by triggers on both, tells of a change: looking costs the same however many
keys there are.

For the thread of a worker that keeps its keys in memory; revocation and plan changes reach it with
its next poll.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

import psycopg

from ingest.store import session
from ingest.store.errors import translated

if TYPE_CHECKING:
    from ingest.store.session import Connection

# How often a worker polls; the query reads one row.
POLL_S = 0.25
# The tables are read whole so often in any case: a restore may go around the triggers.
WHOLE_S = 60.0
# After this every worker that reaches PostgreSQL knows what was changed.
SPREAD_S = 0.5
# Changes that are made at once wait for each other here, so the number of the last commit is the
# highest, and whoever sees it sees all that was committed before.
GENERATION: LiteralString = "SELECT generation FROM key_generation"
KEYS: LiteralString = """
    SELECT key_hash, uuid_send(project_id), project.name, plan, revoked_at IS NOT NULL,
        extract(epoch FROM expires_at)::float8
    FROM api_key JOIN project USING (project_id)
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one key, known by its SHA-256, is good for; `ends_s` is in seconds of Unix time."""

    project_id: bytes
    name: str
    plan: str
    is_revoked: bool = False
    ends_s: float | None = None

    def fault(self, now_s: float) -> str | None:
        """Give the problem's code of a key that works no more."""
        if self.is_revoked:
            return "key_revoked"
        return "key_expired" if self.ends_s is not None and self.ends_s <= now_s else None


class KeyTable:
    """One kept connection; a poll that fails drops it, and the next one connects again."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None
        self._generation: object = None
        self._whole_at = 0.0

    def poll(self) -> dict[bytes, Grant] | None:
        """Read all keys, revoked ones too; None when nothing changed since the last poll.

        After a lost connection, and once a minute, they are read in any case. Raises Retryable or
        NeedsPerson.
        """
        try:
            return self._poll()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection; behind the next one may be a server that lacks the last commits."""
        self._generation = None
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _poll(self) -> dict[bytes, Grant] | None:
        if self._connection is None:
            self._connection = session.connect(self._dsn, "ingest keys")
        with translated():
            generation = self._connection.execute(GENERATION).fetchone()
            is_due = time.monotonic() - self._whole_at >= WHOLE_S
            if generation is not None and generation == self._generation and not is_due:
                return None
            # Row by row: a fetch of all would keep the GIL for as long as it takes.
            rows = self._connection.cursor(binary=True).execute(KEYS)
            grants = {digest: Grant(*rest) for digest, *rest in rows}
        # A change between the two is read now and once more with the next poll.
        self._generation, self._whole_at = generation, time.monotonic()
        return grants
