"""The ledger is committed with the rows, or neither is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import psycopg
import pytest
from ingest.store import ledger, session
from ingest.store.ledger import Fates

from tests.unit.store.rows import HOUR, PROJECT
from tests.unit.store.test_sink import count

if TYPE_CHECKING:
    from ingest.store.session import Connection

FATES = Fates(Counter({(PROJECT.bytes, HOUR): 2}))


def write(connection: Connection) -> None:
    with session.closing_transaction(connection):
        connection.execute("BEGIN")
        connection.execute("INSERT INTO setting (name, value) VALUES ('a', 'b')")
        ledger.add(connection, 0, FATES, commits=True)


def test_its_commit_keeps_the_transaction(connection: Connection, dsn: str) -> None:
    before = count(connection, "setting")
    write(connection)
    with session.connect(dsn, "test") as other:
        assert count(other, "ledger") == 1
        assert count(other, "setting") == before + 1


def test_an_error_of_it_is_told_and_nothing_is_kept(connection: Connection) -> None:
    before = count(connection, "setting")
    connection.execute("ALTER TABLE ledger ADD CONSTRAINT none CHECK (stored < 2)")
    with pytest.raises(psycopg.errors.CheckViolation):
        write(connection)
    assert count(connection, "setting") == before
    connection.execute("ALTER TABLE ledger DROP CONSTRAINT none")
    write(connection)
    assert count(connection, "ledger") == 1
