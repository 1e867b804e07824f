"""Counters of a real Valkey: read in one step, folded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ingest.stream.accepted import FOLD_FIELDS, AcceptedCounters, Subtracted, lines
from ingest.stream.shards import AcceptedField, accepted_key, counted_key, stream_key

from tests.unit.stream.rig import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis

HOUR = 500_000
SHARD = 1


@pytest.fixture
def counters(server: Redis, valkey: EmbeddedValkey) -> Iterator[AcceptedCounters]:
    del server
    with AcceptedCounters(valkey.consumer_url, "test") as counters:
        yield counters


def field(hour: int = HOUR, producer: int = 7) -> bytes:
    return AcceptedField(producer, PROJECT, hour).encode()


def count(server: Redis, rows: int, name: bytes | None = None) -> None:
    server.hincrby(accepted_key(SHARD), (name or field()).decode(), rows)


def test_producers_of_a_line_are_added_up(server: Redis, counters: AcceptedCounters) -> None:
    count(server, 5)
    count(server, 6, field(producer=8))
    count(server, 7, field(HOUR + 1))
    entry_id = server.xadd(stream_key(SHARD), {"h": b"", "d": b""})
    found = counters.read(SHARD)
    assert found.rows == {(PROJECT, HOUR): 11, (PROJECT, HOUR + 1): 7}
    assert found.last_id == entry_id.decode()  # type: ignore[union-attr]
    assert (len(found.state.data_set), found.state[1:]) == (16, (None, 0))


def test_a_shard_that_is_not_there_has_counted_nothing(counters: AcceptedCounters) -> None:
    found = counters.read(99)
    assert (found.rows, found.last_id, found.state) == ({}, "0-0", ("", None, 0))


def test_only_closed_hours_are_folded(server: Redis, counters: AcceptedCounters) -> None:
    count(server, 5, field(HOUR - 1))
    count(server, 6)
    (found,) = counters.closed(SHARD, HOUR)
    assert found.rows == {field(HOUR - 1): 5}
    assert found.data_set == counters.read(SHARD).state.data_set


def test_many_fields_come_some_at_a_time(server: Redis, counters: AcceptedCounters) -> None:
    names = [field(producer=number) for number in range(3 * FOLD_FIELDS)]
    server.hset(accepted_key(SHARD), mapping={name.decode(): 2 for name in names})
    found = list(counters.closed(SHARD, HOUR + 1))
    assert len(found) > 1
    assert {name for some in found for name in some.rows} == set(names)


def test_a_fold_is_taken_once_and_late_counts_stay(
    server: Redis, counters: AcceptedCounters
) -> None:
    count(server, 5)
    count(server, 4, field(producer=8))
    (found,) = counters.closed(SHARD, HOUR + 1)
    count(server, 2)
    for _ in range(3):
        told = counters.subtract(SHARD, found.data_set, 1, found.rows)
        assert told is Subtracted.DONE
    assert server.hgetall(accepted_key(SHARD)) == {field(): b"2"}
    assert counters.read(SHARD).state.folded == 1


def test_folds_of_another_time_take_nothing(server: Redis, counters: AcceptedCounters) -> None:
    count(server, 5)
    data_set = counters.read(SHARD).state.data_set
    rows = {field(): 5}
    assert counters.subtract(SHARD, data_set, 2, rows) is Subtracted.BEHIND
    assert counters.subtract(SHARD, "another", 1, rows) is Subtracted.OTHER
    server.hset(counted_key(SHARD), "folded", 2)
    assert counters.subtract(SHARD, data_set, 1, rows) is Subtracted.AHEAD
    assert counters.subtract(SHARD, "", 0, {}) is Subtracted.AHEAD
    assert server.hgetall(accepted_key(SHARD)) == {field(): b"5"}


def test_counters_that_are_distrusted_begin_anew(counters: AcceptedCounters) -> None:
    before = counters.read(SHARD).state
    counters.distrust(SHARD, 1234)
    after = counters.read(SHARD).state
    assert after.data_set != before.data_set
    assert after[1:] == (1234, 0)
    counters.name_data_set(SHARD)
    assert counters.read(SHARD).state == after


def test_a_fold_is_taken_when_memory_is_full(server: Redis, counters: AcceptedCounters) -> None:
    count(server, 5)
    data_set = counters.read(SHARD).state.data_set
    server.config_set("maxmemory", "100kb")
    assert counters.subtract(SHARD, data_set, 1, {field(): 5}) is Subtracted.DONE
    assert server.hgetall(accepted_key(SHARD)) == {}


def test_lines_add_up() -> None:
    assert lines({field(): 1, field(producer=9): 2}) == {(PROJECT, HOUR): 3}
