"""Connections to PostgreSQL as every part here wants them: autocommit, a lost server is noticed."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from psycopg.rows import TupleRow

    Connection: TypeAlias = psycopg.Connection[TupleRow]

# A peer that is gone without a word is noticed after about 11 s; a slow one is waited for.
DEFAULTS = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
}
# A statement that waits for a lock gives up and is tried again, so that a stop is never held up.
LOCK_TIMEOUT_MS = 4000
# An entry is trimmed right after the commit, so the commit must be on disk. A stricter level
# (remote_apply) is left as it is.
DURABLE: LiteralString = """
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local')
"""


def connect(dsn: str, application: str, lock_timeout_ms: int = LOCK_TIMEOUT_MS) -> Connection:
    """Connect in autocommit mode; what the DSN says wins. Raises Retryable or NeedsPerson."""
    with translated():
        connection = psycopg.connect(_conninfo(dsn, application), autocommit=True)
        connection.execute(
            "SELECT set_config('lock_timeout', %s, false)", (f"{lock_timeout_ms}ms",)
        )
        connection.execute(DURABLE)
    return connection


def _conninfo(dsn: str, application: str) -> str:
    given = {name: value for name, value in conninfo_to_dict(dsn).items() if value is not None}
    return make_conninfo("", **({"application_name": application} | DEFAULTS | given))


@contextmanager
def closing_transaction(connection: Connection) -> Iterator[None]:
    """Leave no transaction open: roll back what was not committed inside."""
    try:
        yield
    finally:
        if not connection.closed:
            connection.rollback()


@contextmanager
def patience(connection: Connection, seconds: float) -> Iterator[None]:
    """Cut the connection off when what is inside takes longer: a frozen server never answers."""
    timer = threading.Timer(seconds, cut, (connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def cut(connection: Connection) -> None:
    """Break a connection off from another thread: whoever waits on it gets an error at once.

    A request to cancel would need a server that answers.
    """
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as duplicate, suppress(OSError):
            duplicate.shutdown(socket.SHUT_RDWR)
