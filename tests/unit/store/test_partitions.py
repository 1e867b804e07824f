"""Partitions: made once whoever asks, beside running writes, and dropped in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from ingest.errors import Retryable
from ingest.store import partitions, session

from tests.unit.store.rows import DAY

if TYPE_CHECKING:
    from ingest.store.session import Connection

INSERT = """
    INSERT INTO event
    SELECT gen_random_uuid(), gen_random_uuid(), %s, now(), 'x', NULL, NULL, '{}'
"""


def at(day: int) -> datetime:
    return datetime.fromtimestamp(day * 86_400 + 1, UTC)


def test_names_follow_the_calendar() -> None:
    assert partitions.name_of(DAY) == "event_20261120"
    assert partitions.name_of(0) == "event_19700101"


def test_missing_days_are_made_once(connection: Connection) -> None:
    assert partitions.ensure(connection, [DAY, DAY + 1, DAY + 3]) == {DAY + 1, DAY + 3}
    assert partitions.ensure(connection, [DAY, DAY + 1, DAY + 3]) == set()
    assert partitions.existing(connection) == {DAY, DAY + 1, DAY + 3}


def test_a_partition_takes_its_whole_day_and_no_more(connection: Connection) -> None:
    last = datetime.fromtimestamp((DAY + 1) * 86_400 - 0.000001, UTC)
    connection.execute(INSERT, (last,))
    with pytest.raises(Exception, match="no partition"):
        connection.execute(INSERT, (at(DAY + 1),))


def test_a_partition_has_the_parents_indexes(connection: Connection) -> None:
    connection.execute("CREATE INDEX event_user ON event (user_id)")
    partitions.ensure(connection, [DAY + 1])
    rows = connection.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'event_20261121'")
    definitions = " ".join(row[0] for row in rows)
    assert all(word in definitions for word in ("UNIQUE", "brin", "user_id"))


def test_days_of_no_event_are_left_out(connection: Connection) -> None:
    assert partitions.ensure(connection, [-1, partitions.DAYS.stop, 53_000_000]) == set()


def test_many_at_once_make_each_day_once(dsn: str) -> None:
    def make(_number: int) -> set[int]:
        with session.connect(dsn, "test") as own:
            return partitions.ensure(own, range(DAY, DAY + 10))

    with ThreadPoolExecutor(4) as threads:
        made = [day for days in threads.map(make, range(4)) for day in days]
    assert sorted(made) == list(range(DAY, DAY + 10))


def test_making_one_does_not_wait_for_a_running_write(connection: Connection, dsn: str) -> None:
    with session.connect(dsn, "test") as other, connection.transaction():
        connection.execute(INSERT, (at(DAY),))
        other.execute("SET lock_timeout = '500ms'")
        assert partitions.ensure(other, [DAY + 1]) == {DAY + 1}


def test_a_detached_table_is_attached_again(connection: Connection) -> None:
    connection.execute(INSERT, (at(DAY),))
    connection.execute("ALTER TABLE event DETACH PARTITION event_20261120")
    assert partitions.ensure(connection, [DAY]) == {DAY}
    assert connection.execute("SELECT count(*) FROM event").fetchone() == (1,)


def test_old_partitions_are_dropped(connection: Connection) -> None:
    partitions.ensure(connection, range(DAY - 3, DAY + 1))
    connection.execute("ALTER TABLE event DETACH PARTITION event_20261117")
    connection.execute("CREATE TABLE event_20261399 ()")
    connection.execute("CREATE TABLE event_notes ()")
    dropped = [partitions.drop_oldest(connection, DAY - 1) for _ in range(3)]
    assert dropped == ["event_20261117", "event_20261118", None]
    assert partitions.existing(connection) == {DAY - 1, DAY}


def test_a_drop_that_a_reader_held_up_is_finished_later(connection: Connection, dsn: str) -> None:
    with session.connect(dsn, "test") as reader, session.connect(dsn, "test", 200) as other:
        with reader.transaction():
            reader.execute("SELECT FROM event")
            with pytest.raises(Retryable, match="55P03"):
                partitions.drop_oldest(other, DAY + 1)
        assert partitions.existing(other) == set()
        assert partitions.drop_oldest(other, DAY + 1) == "event_20261120"
    assert connection.execute("SELECT to_regclass('event_20261120')").fetchone() == (None,)


def test_the_window_is_around_the_databases_today(connection: Connection) -> None:
    row = connection.execute("SELECT extract(epoch FROM now())::bigint / 86400").fetchone()
    assert row is not None
    assert partitions.window(connection, 30, 2) == range(row[0] - 30, row[0] + 3)
