"""Follows the tables of keys and projects: reads them whole, but only when something changed.

For the thread of a worker that keeps its keys in memory; revocation and plan changes reach it with
its next poll.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

import psycopg

from ingest.store import session
from ingest.store.errors import translated

if TYPE_CHECKING:
    from ingest.store.session import Connection

# How often a worker polls; the query reads each row of both tables.
POLL_S = 0.25
# After this every worker that reaches PostgreSQL knows what was changed.
SPREAD_S = 0.5
# Every change gives a row a new transaction id. A sum notices what a maximum would not: an older
# transaction that commits after a younger one.
MARK: LiteralString = """
    SELECT count(*), sum(xmin::text::bigint) FROM api_key
    UNION ALL
    SELECT count(*), sum(xmin::text::bigint) FROM project
"""
KEYS: LiteralString = """
    SELECT key_hash, project_id, project.name, plan, revoked_at IS NOT NULL,
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
        self._mark: object = None

    def poll(self) -> dict[bytes, Grant] | None:
        """Read all keys, revoked ones too; None when nothing changed since the last poll.

        Raises Retryable or NeedsPerson.
        """
        try:
            return self._poll()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _poll(self) -> dict[bytes, Grant] | None:
        if self._connection is None:
            self._connection = session.connect(self._dsn, "ingest keys")
        with translated():
            mark = self._connection.execute(MARK).fetchall()
            if mark == self._mark:
                return None
            rows = self._connection.execute(KEYS).fetchall()
        # A change between the two is read now and once more with the next poll.
        self._mark = mark
        return {digest: Grant(project.bytes, *rest) for digest, project, *rest in rows}
