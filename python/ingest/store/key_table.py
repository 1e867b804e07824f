"""Follows the tables of keys and projects: reads what changed, and only when something changed.

A row of its own, bumped by triggers on both, tells of a change, and a table which keys it touched:
looking and learning of it cost the same however many keys there are.

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
    from collections.abc import Iterable

    from psycopg.rows import TupleRow

    from ingest.store.session import Connection

# How often a worker polls; the query reads one row.
POLL_S = 0.25
# Within this time all keys are read again in any case: a restore may go around the triggers. One
# slice at a time, by the first four bits of the SHA-256: 100,000 at once take up to two seconds of
# a busy machine, and a revocation would wait for them.
WHOLE_S = 60.0
SLICES = 16
# After this every worker that reaches PostgreSQL knows what was changed.
SPREAD_S = 0.5
# Changes that are made at once wait for each other here, so the number of the last commit is the
# highest, and whoever sees it sees all that was committed before.
GENERATION: LiteralString = "SELECT generation, noted_since FROM key_generation"
TOUCHED: LiteralString = "SELECT DISTINCT key_hash FROM key_change WHERE generation > %s"
KEYS: LiteralString = """
    SELECT key_hash, uuid_send(project_id), project.name, plan, revoked_at IS NOT NULL,
        extract(epoch FROM expires_at)::float8
    FROM api_key JOIN project USING (project_id)
"""
THESE: LiteralString = KEYS + " WHERE key_hash = ANY(%s)"
SLICE: LiteralString = KEYS + " WHERE key_hash BETWEEN %s AND %s"


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
        self._grants: dict[bytes, Grant] = {}
        self._generation: int | None = None
        self._slice = 0
        self._slice_at = 0.0

    def poll(self) -> dict[bytes, Grant] | None:
        """Give all keys, revoked ones too; None when nothing changed since the last poll.

        After a lost connection, and once a minute, they are given in any case; whoever gets them
        must not change them. Raises Retryable or NeedsPerson.
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
            self._connection = _connect(self._dsn)
        with translated():
            generation, _ = _numbers(self._connection)
            is_due = time.monotonic() - self._slice_at >= WHOLE_S / SLICES
            if generation is not None and generation == self._generation and not is_due:
                return None
            # One snapshot: a number and the keys that are of it, and nothing is trimmed between.
            with self._connection.transaction():
                return self._read(self._connection, is_due=is_due)

    def _read(self, connection: Connection, *, is_due: bool) -> dict[bytes, Grant] | None:
        generation, noted_since = _numbers(connection)
        known, self._generation = self._generation, generation
        before = self._grants
        # A lower number is a restored table's.
        if known is None or generation is None or not noted_since <= known <= generation:
            self._grants, self._slice = _read_all(connection), 0
            self._slice_at = time.monotonic()
            return self._grants
        if generation != known:
            self._grants = _changed(connection, before, known)
        if is_due:
            self._read_slice(connection)
        is_round = is_due and self._slice == 0
        return self._grants if is_round or self._grants is not before else None

    def _read_slice(self, connection: Connection) -> None:
        self._grants = _with_slice(connection, self._grants, self._slice)
        self._slice, self._slice_at = (self._slice + 1) % SLICES, time.monotonic()


def _connect(dsn: str) -> Connection:
    connection = session.connect(dsn, "ingest keys")
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    return connection


def _numbers(connection: Connection) -> tuple[int | None, int]:
    """Give the number of the last change, and the oldest after which all are noted."""
    return connection.execute(GENERATION).fetchone() or (None, 0)


def _read_all(connection: Connection) -> dict[bytes, Grant]:
    return _grants(connection.cursor(binary=True).execute(KEYS))


def _changed(connection: Connection, before: dict[bytes, Grant], since: int) -> dict[bytes, Grant]:
    """Read what was touched since a number."""
    cursor = connection.cursor(binary=True)
    touched = [digest for (digest,) in cursor.execute(TOUCHED, (since,))]
    return _updated(before, set(touched), _grants(cursor.execute(THESE, (touched,))))


def _with_slice(
    connection: Connection, before: dict[bytes, Grant], number: int
) -> dict[bytes, Grant]:
    first, last = bytes([number << 4]) + bytes(31), bytes([number << 4 | 15]) + b"\xff" * 31
    asked = {digest for digest in before if first <= digest <= last}
    rows = connection.cursor(binary=True).execute(SLICE, (first, last))
    return _updated(before, asked, _grants(rows))


def _grants(rows: Iterable[TupleRow]) -> dict[bytes, Grant]:
    """Make them row by row: a fetch of all would keep the GIL for as long as it takes."""
    return {digest: Grant(*rest) for digest, *rest in rows}


def _updated(
    before: dict[bytes, Grant], asked: set[bytes], found: dict[bytes, Grant]
) -> dict[bytes, Grant]:
    """Give the keys as they are now: who was asked for and not found was deleted.

    They are the same object when nothing differs, and another, a copy, when something does.
    """
    new = {digest: grant for digest, grant in found.items() if before.get(digest) != grant}
    gone = (asked & before.keys()) - found.keys()
    if not new and not gone:
        return before
    grants = before | new
    for digest in gone:
        del grants[digest]
    return grants
