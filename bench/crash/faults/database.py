"""Faults made through PostgreSQL's own door: sessions ended, a backend killed, the table locked."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, LiteralString

import psutil
import psycopg

from bench.crash.faults.fault import Fault, NotInjected

if TYPE_CHECKING:
    from bench.crash.stack import Stack

CATCH_S = 3.0
BACKENDS: LiteralString = """
    SELECT backend.pid FROM consumer JOIN pg_stat_activity AS backend
    ON backend.pid = backend_pid AND backend.backend_start = consumer.backend_start
"""
COPYING: LiteralString = BACKENDS.replace("backend.pid", "owner", 1) + (
    " WHERE state = 'active' AND query LIKE 'COPY%'"
)
TERMINATE: LiteralString = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
)
LOCK: LiteralString = "LOCK TABLE event IN ACCESS EXCLUSIVE MODE"


def connect(stack: Stack) -> psycopg.Connection[tuple[object, ...]]:
    """Connect as the owner of the database."""
    return psycopg.connect(stack.run.dsn, autocommit=True, connect_timeout=5)


def consumer_backends(stack: Stack) -> list[int]:
    """Give the process ids of the backends that consumers write through; NotInjected: none."""
    with connect(stack) as connection:
        found = [int(str(pid)) for (pid,) in connection.execute(BACKENDS)]
    if not found:
        raise NotInjected("no consumer is connected")
    return found


def copying_consumer(stack: Stack) -> int:
    """Give the process id of a consumer in the middle of a COPY; NotInjected when none is met."""
    deadline = time.monotonic() + CATCH_S
    with connect(stack) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(COPYING).fetchone()
            if row is not None:
                return int(str(row[0]).split(":")[-2])
    raise NotInjected("no consumer was met in a COPY")


class KillBackend(Fault):
    """kill -9 of a backend: PostgreSQL ends all sessions and recovers."""

    name, limit_s = "kill backend", 30.0

    def inject(self, stack: Stack) -> None:
        """Kill the backend of a consumer."""
        victim = self.rng.choice(consumer_backends(stack))
        psutil.Process(victim).send_signal(signal.SIGKILL)


class TerminateSessions(Fault):
    """All sessions ended by an administrator."""

    name = "terminate sessions"

    def inject(self, stack: Stack) -> None:
        """End all but our own."""
        with connect(stack) as connection:
            connection.execute(TERMINATE)


class LockTable(Fault):
    """The table locked against everybody."""

    name, hold_s = "lock table", (2.0, 8.0)

    def inject(self, stack: Stack) -> None:
        """Take the lock, as soon as it can be had."""
        self._session = connect(stack)
        self._session.autocommit = False
        self._session.execute(LOCK)

    def heal(self, stack: Stack) -> None:  # noqa: ARG002
        """Let go of it."""
        self._session.close()


FAULTS = (KillBackend, TerminateSessions, LockTable)
