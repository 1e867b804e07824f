"""Who owns which shards: a consumer's lease, renewed by a heartbeat of its own connection.

The lease is the consumer's, not the shard's, and its row is not the position's: a heartbeat must
not wait behind a long transaction. A consumer is dead when its lease ran out, or sooner when its
backend is gone and it is silent. Before its shards are free its backend is ended: frozen inside
COPY it would hold the position's row past every time-out. Should two consumers still believe in
one shard, the compare-and-swap of the position lets one write.

All times are the database's, and count from its start at the earliest, so that a restart of
PostgreSQL does not make every consumer look dead. A beat that lies ahead of them is from before the
clock was put back: who lives has another one soon, and who has no backend any more is dead.
"""

from __future__ import annotations

import os
import secrets
import socket
from typing import TYPE_CHECKING, LiteralString, NamedTuple

from ingest.consumer.position import Position
from ingest.consumer.share import excess

if TYPE_CHECKING:
    from ingest.store.session import Connection

# Beats in a lease: one or two may be late or lost.
BEATS = 5
# One consumer at a time takes or gives shards. Any fixed pair of numbers.
LOCK = (0x696E67, 0x6C6561)
TERMINATE_MS = 2000

BEAT: LiteralString = """
    INSERT INTO consumer (owner, backend_pid, backend_start, beat_at, leased_until)
    VALUES (%(owner)s, %(pid)s, %(start)s, now(), now() + %(lease_s)s * interval '1 s')
    ON CONFLICT (owner) DO UPDATE SET backend_pid = excluded.backend_pid,
        backend_start = excluded.backend_start, beat_at = excluded.beat_at,
        leased_until = excluded.leased_until
"""
BACKEND: LiteralString = (
    "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
)
DEAD: LiteralString = """
    SELECT owner, beat_at FROM consumer
    WHERE owner <> %(owner)s AND (
        now() > greatest(leased_until, pg_postmaster_start_time() + %(lease_s)s * interval '1 s')
        OR (
            now() > greatest(beat_at, pg_postmaster_start_time()) + %(silent_s)s * interval '1 s'
            OR beat_at > now()
        ) AND NOT EXISTS (
            SELECT FROM pg_stat_activity AS backend
            WHERE backend.pid = backend_pid AND backend.backend_start = consumer.backend_start
        )
    )
"""
# A backend that ended by itself is no row; one that does not end in time is False.
END_BACKEND: LiteralString = f"""
    SELECT pg_terminate_backend(backend.pid, {TERMINATE_MS})
    FROM consumer JOIN pg_stat_activity AS backend
    ON backend.pid = backend_pid AND backend.backend_start = consumer.backend_start
    WHERE owner = %s AND backend.pid <> pg_backend_pid()
"""  # noqa: S608 - a constant
CLAIM: LiteralString = """
    UPDATE position SET owner = %s WHERE shard IN (
        SELECT shard FROM position
        WHERE owner IS NULL OR NOT EXISTS (SELECT FROM consumer WHERE owner = position.owner)
        ORDER BY shard LIMIT %s FOR UPDATE SKIP LOCKED
    )
"""
# A shard in the middle of a transaction is left alone until the next time.
RELEASE: LiteralString = """
    UPDATE position SET owner = NULL WHERE shard IN (
        SELECT shard FROM position WHERE owner = %s
        ORDER BY shard DESC LIMIT %s FOR UPDATE SKIP LOCKED
    )
"""


class Backend(NamedTuple):
    """The server process behind the connection that writes."""

    pid: int
    start: object


class Lease:
    """One consumer's lease. Each method is a transaction of its own and raises psycopg's errors."""

    def __init__(self, lease_s: float) -> None:
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.beat_s = lease_s / BEATS
        self._lease_s = lease_s
        self._backend: Backend | None = None

    def join(self, writer: Connection) -> None:
        """Make this connection the one that writes; what an earlier one left open is ended."""
        writer.execute(END_BACKEND, (self.owner,))
        row = writer.execute(BACKEND).fetchone()
        self._backend = Backend(*row) if row else None
        self.beat(writer)

    def beat(self, connection: Connection) -> None:
        """Renew the lease; one that others took for dead begins anew, without its shards."""
        if self._backend is not None:
            pid, start = self._backend
            parameters = {"owner": self.owner, "pid": pid, "start": start}
            connection.execute(BEAT, parameters | {"lease_s": self._lease_s})

    def bury_dead(self, connection: Connection) -> list[str]:
        """End the backends of dead consumers and free their shards; give the consumers' names."""
        times = {"owner": self.owner, "lease_s": self._lease_s, "silent_s": 2 * self.beat_s}
        dead = connection.execute(DEAD, times).fetchall()
        return [name for name, beat_at in dead if self._bury(connection, name, beat_at)]

    def balance(self, connection: Connection) -> dict[int, Position]:
        """Take or give shards until each consumer has its share; give the shards that it owns."""
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)
            surplus = self._surplus(connection)
            if surplus > 0:
                connection.execute(RELEASE, (self.owner, surplus))
            elif surplus < 0:
                connection.execute(CLAIM, (self.owner, -surplus))
            rows = connection.execute(
                "SELECT shard, entry_id, run_id FROM position WHERE owner = %s", (self.owner,)
            )
            return {shard: Position(entry_id, run_id) for shard, entry_id, run_id in rows}

    def leave(self, connection: Connection) -> None:
        """Give every shard back; the next consumer need not wait."""
        with connection.transaction():
            connection.execute("UPDATE position SET owner = NULL WHERE owner = %s", (self.owner,))
            connection.execute("DELETE FROM consumer WHERE owner = %s", (self.owner,))

    def _bury(self, connection: Connection, name: str, beat_at: object) -> bool:
        ended = connection.execute(END_BACKEND, (name,)).fetchone()
        if ended == (False,):
            return False
        with connection.transaction():
            gone = connection.execute(
                "DELETE FROM consumer WHERE owner = %s AND beat_at = %s", (name, beat_at)
            )
            if gone.rowcount == 1:
                connection.execute("UPDATE position SET owner = NULL WHERE owner = %s", (name,))
        return gone.rowcount == 1

    def _surplus(self, connection: Connection) -> int:
        rows = connection.execute(
            "SELECT owner, count(shard) FROM consumer LEFT JOIN position USING (owner)"
            " GROUP BY owner"
        )
        held = {name: int(count) for name, count in rows}
        shards = connection.execute("SELECT count(*) FROM position").fetchone()
        return excess(self.owner, {self.owner: 0} | held, int(shards[0]) if shards else 0)
