"""Reading and trimming shards of a real Valkey."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from ingest.errors import NeedsPerson, Retryable
from ingest.stream.read import MAX_COUNT, READ_BYTES, StreamReader, Trim, count_for, earlier
from ingest.stream.shards import stream_key

from tests.running import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.valkey import EmbeddedValkey

START = "0-0"


@pytest.fixture
def client(valkey: EmbeddedValkey) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey.url, protocol=2) as client:
        client.flushall()
        yield client


@pytest.fixture
def reader(client: redis.Redis, valkey: EmbeddedValkey) -> Iterator[StreamReader]:
    del client
    reader = StreamReader(valkey.consumer_url, "test")
    yield reader
    reader.close()


def append(client: redis.Redis, shard: int, data: bytes = b"data", entry_id: str = "*") -> str:
    words = ("XADD", stream_key(shard), "NOMKSTREAM", entry_id, "h", b"head", "d", data)
    made = client.execute_command(*words)  # type: ignore[no-untyped-call]
    return str(made.decode())


def test_a_missing_stream_is_made_behind_the_cursor(
    reader: StreamReader, client: redis.Redis
) -> None:
    ahead = f"{int(time.time() * 1000) + 100_000}-7"
    reader.open(0, ahead)
    assert append(client, 0) == ahead[:-1] + "8"


def test_a_stream_that_ends_before_the_cursor_is_moved_up(
    reader: StreamReader, client: redis.Redis
) -> None:
    reader.open(0, START)
    append(client, 0, entry_id="5-0")
    ahead = f"{int(time.time() * 1000) + 100_000}-0"
    reader.open(0, ahead)
    assert append(client, 0) == ahead[:-1] + "1"
    assert len(reader.read_again(0, START, ahead, 10)) == 1


def test_opening_twice_changes_nothing(reader: StreamReader, client: redis.Redis) -> None:
    reader.open(0, START)
    made = append(client, 0)
    reader.open(0, START)
    reader.open(0, made)
    assert [entry.entry_id for entry in reader.read({0: START}, 10, 0)[0]] == [made]


def test_entries_come_in_order_after_each_cursor(reader: StreamReader, client: redis.Redis) -> None:
    for shard in (0, 1):
        reader.open(shard, START)
    ids = [append(client, 0, b"%d" % number) for number in range(5)]
    other = append(client, 1)
    found = reader.read({0: ids[1], 1: START}, 2, 0)
    assert [(entry.entry_id, entry.data) for entry in found[0]] == [(ids[2], b"2"), (ids[3], b"3")]
    assert [entry.entry_id for entry in found[1]] == [other]
    assert found[1][0].header == b"head"
    assert reader.read({0: ids[4], 1: other}, 2, 0) == {}


def test_a_read_blocks_no_longer_than_asked(reader: StreamReader) -> None:
    reader.open(0, START)
    began = time.monotonic()
    assert reader.read({0: START}, 1, 50) == {}
    assert 0.04 < time.monotonic() - began < 2


def test_an_entry_of_another_form_keeps_its_bytes(
    reader: StreamReader, client: redis.Redis
) -> None:
    reader.open(0, START)
    client.xadd(stream_key(0), {"x": "y"})
    (entry,) = reader.read({0: START}, 1, 0)[0]
    assert (entry.header, entry.data) == (b"", b"x y")


@pytest.mark.parametrize("is_exact", [True, False])
def test_trimming_never_takes_what_lies_behind(
    reader: StreamReader, client: redis.Redis, is_exact: bool
) -> None:
    reader.open(0, START)
    ids = [append(client, 0, bytes(8000)) for _ in range(10)]
    reader.trim([Trim(0, ids[6], is_exact)])
    left = [entry.entry_id for entry in reader.read({0: START}, 100, 0)[0]]
    assert left == ids[7:]


def test_only_an_exact_trim_divides_a_node(reader: StreamReader, client: redis.Redis) -> None:
    reader.open(0, START)
    ids = [append(client, 0) for _ in range(10)]
    reader.trim([Trim(0, ids[6], is_exact=False)])
    assert client.xlen(stream_key(0)) == 10
    reader.trim([Trim(0, ids[6], is_exact=True)])
    assert client.xlen(stream_key(0)) == 3


def test_a_lost_stream_is_noticed(reader: StreamReader, client: redis.Redis) -> None:
    reader.open(0, START)
    reader.open(1, START)
    assert reader.are_present([0, 1])
    client.delete(stream_key(1))
    assert not reader.are_present([0, 1])


def test_the_number_of_shards_is_fixed(reader: StreamReader) -> None:
    reader.agree_on_count(4)
    with pytest.raises(NeedsPerson, match="holds 4 shards"):
        reader.agree_on_count(5)


def test_a_server_that_is_away_passes() -> None:
    reader = StreamReader(f"redis://127.0.0.1:{free_port()}", "test")
    with pytest.raises(Retryable):
        reader.run_id()


def test_a_wrong_password_needs_a_person(valkey: EmbeddedValkey) -> None:
    reader = StreamReader(f"unix://consumer:wrong@{valkey.socket}", "test")
    with pytest.raises(NeedsPerson):
        reader.run_id()


def test_a_key_of_another_type_needs_a_person(reader: StreamReader, client: redis.Redis) -> None:
    client.set(stream_key(0), "text")
    with pytest.raises(NeedsPerson, match="WRONGTYPE"):
        reader.open(0, START)


@given(st.integers(0, 4 << 20), st.integers(1, 1024))
def test_a_read_is_bounded_by_the_largest_entry_seen(largest: int, shards: int) -> None:
    count = count_for(largest, shards)
    assert 1 <= count <= MAX_COUNT
    assert count == 1 or count * shards * largest <= READ_BYTES


def test_ids_are_compared_as_numbers() -> None:
    assert earlier("9-0", "10-0") == "9-0"
    assert earlier("10-9", "10-10") == "10-9"
