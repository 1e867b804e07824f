"""A connection's patience with a server that does not answer."""

from __future__ import annotations

import time

import pytest
from ingest.errors import Retryable
from ingest.store import session
from ingest.store.errors import translated

PATIENCE_S = 0.3


def test_patience_has_an_end(dsn: str) -> None:
    connection, began = session.connect(dsn, "test"), time.monotonic()
    with (
        pytest.raises(Retryable),
        session.patience(connection, PATIENCE_S),
        translated(),
    ):
        connection.execute("SELECT pg_sleep(30)")
    assert time.monotonic() - began < 10
    assert connection.closed


def test_what_is_in_time_goes_on(dsn: str) -> None:
    with session.connect(dsn, "test") as connection:
        with session.patience(connection, 30):
            connection.execute("SELECT 1")
        assert connection.execute("SELECT 2").fetchone() == (2,)
