"""COPY, straight and through staging, against a real server."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from ingest.store import copy
from ingest.store.errors import is_event_key, is_missing_partition, project_of_key

from tests.unit.store.rows import HOUR, OTHER, PROJECT, RECEIVED, TIME, row, stream

if TYPE_CHECKING:
    from ingest.store.session import Connection

A, B, C = (UUID(int=number) for number in (10, 11, 12))


def count(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM event").fetchone()
    return int(row[0]) if row else 0


def test_a_straight_copy_stores_every_column(connection: Connection) -> None:
    copy.straight(connection, stream([row(A, user_id="u", properties={"n": 1.5})]))
    stored = connection.execute("SELECT * FROM event").fetchone()
    assert stored == (A, PROJECT, TIME, RECEIVED, "page_view", "u", "session", {"n": 1.5})


def test_a_duplicate_fails_a_straight_copy_whole(connection: Connection) -> None:
    copy.straight(connection, stream([row(A)]))
    with pytest.raises(psycopg.Error) as raised:
        copy.straight(connection, stream([row(B), row(A)]))
    assert is_event_key(raised.value)
    assert project_of_key(raised.value) == PROJECT.bytes
    assert count(connection) == 1


def test_a_missing_day_is_told_from_a_check(connection: Connection) -> None:
    with pytest.raises(psycopg.Error) as raised:
        copy.straight(connection, stream([row(A, time=TIME + timedelta(days=9))]))
    assert is_missing_partition(raised.value)


def test_staging_leaves_duplicates_out_and_counts_them(connection: Connection) -> None:
    copy.straight(connection, stream([row(A), row(B)]))
    later = RECEIVED + timedelta(hours=1)
    rows = [row(A), row(B, received=later), row(C), row(C), row(A, OTHER), row()]
    with connection.transaction():
        left_out = copy.through_staging(connection, stream(rows))
    assert left_out == Counter({(PROJECT.bytes, HOUR): 2, (PROJECT.bytes, HOUR + 1): 1})
    assert count(connection) == 5


def test_staging_can_be_used_twice_in_one_transaction(connection: Connection) -> None:
    with connection.transaction():
        assert copy.through_staging(connection, stream([row(A)])).total() == 0
        assert copy.through_staging(connection, stream([row(B)])).total() == 0
        assert copy.through_staging(connection, stream([row(A)])).total() == 1
    assert count(connection) == 2


def test_the_same_id_at_another_time_is_another_event(connection: Connection) -> None:
    rows = [row(A), row(A, time=TIME + timedelta(seconds=1))]
    with connection.transaction():
        assert copy.through_staging(connection, stream(rows)).total() == 0


def test_an_index_of_a_user_is_no_arbiter(connection: Connection) -> None:
    connection.execute("CREATE UNIQUE INDEX one_session ON event (session_id, timestamp)")
    copy.straight(connection, stream([row(A)]))
    with pytest.raises(psycopg.errors.UniqueViolation) as raised, connection.transaction():
        copy.through_staging(connection, stream([row(B)]))
    assert not is_event_key(raised.value)
