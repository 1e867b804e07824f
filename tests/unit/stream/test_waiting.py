"""A held shard of a real Valkey keeps its entries, and what waits in it is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ingest._native import pack_entry
from ingest.stream import waiting
from ingest.stream.read import StreamReader, Trim
from ingest.stream.shards import hold_key, stream_key
from ingest.stream.waiting import Hold, Lapsed, Unreadable

from tests.running import until
from tests.unit.stream.rig import PROJECT, SCHEMA, batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis

SHARD = 2
START, END = "0-0", "+"


@pytest.fixture
def reader(valkey: EmbeddedValkey) -> Iterator[StreamReader]:
    reader = StreamReader(valkey.consumer_url, "test")
    yield reader
    reader.close()


def append(server: Redis, rows: int = 3, broken: bytes = b"") -> str:
    header, data = pack_entry([batch(rows)], SCHEMA.fingerprint, 7, 0, compress=True)
    entry_id = server.xadd(stream_key(SHARD), {"h": header, "d": data + broken})
    return entry_id.decode()  # type: ignore[union-attr]


def test_events_behind_a_position_are_counted(server: Redis, valkey: EmbeddedValkey) -> None:
    ids = [append(server, rows) for rows in (1, 2, 4, 8)]
    with Hold(valkey.url, SHARD, "test") as hold:
        found = hold.waiting(ids[0], ids[2])
        everything = hold.waiting(START, END)
    assert (found.entries, found.rows.total(), found.unreadable) == (2, 6, [])
    assert {project for project, _ in found.rows} == {PROJECT}
    assert everything.rows.total() == 15


def test_many_entries_take_several_reads(server: Redis, valkey: EmbeddedValkey) -> None:
    for _ in range(150):
        append(server)
    with Hold(valkey.url, SHARD, "test") as hold:
        found = hold.waiting(START, END)
    assert (found.entries, found.rows.total()) == (150, 450)


def test_an_entry_that_cannot_be_read_is_told(server: Redis, valkey: EmbeddedValkey) -> None:
    broken = append(server, 3, b"x")
    foreign = server.xadd(stream_key(SHARD), {"a": b"b"})
    append(server, 2)
    with Hold(valkey.url, SHARD, "test") as hold:
        found = hold.waiting(START, END)
    assert found.rows.total() == 2
    assert [each[:2] for each in map(_plain, found.unreadable)] == [
        (broken, 3),
        (foreign.decode(), 0),  # type: ignore[union-attr]
    ]


def _plain(entry: Unreadable) -> tuple[str, int, str]:
    return entry.entry_id, entry.rows, entry.code


def test_a_held_shard_is_not_trimmed_and_others_are(
    server: Redis, valkey: EmbeddedValkey, reader: StreamReader
) -> None:
    last = append(server)
    trims = [Trim(SHARD, last, is_exact=True), Trim(0, last, is_exact=True)]
    with Hold(valkey.url, SHARD, "test") as hold:
        assert reader.trim(trims) == trims[1:]
        assert hold.waiting(START, END).entries == 1
    server.delete(hold_key(SHARD))
    assert reader.trim(trims) == trims
    assert server.xlen(stream_key(SHARD)) == 0


def test_a_hold_that_did_not_last_is_told(server: Redis, valkey: EmbeddedValkey) -> None:
    with Hold(valkey.url, SHARD, "test") as hold:
        hold.check()
        server.delete(hold_key(SHARD))
        with pytest.raises(Lapsed):
            hold.check()


def test_two_may_hold_a_shard(server: Redis, valkey: EmbeddedValkey) -> None:
    with Hold(valkey.url, SHARD, "test") as first:
        with Hold(valkey.url, SHARD, "test") as second:
            second.check()
        first.check()
    assert server.exists(hold_key(SHARD))


def test_a_hold_ends_by_itself(
    server: Redis, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "HOLD_MS", 50)
    with Hold(valkey.url, SHARD, "test"):
        pass
    until(lambda: not server.exists(hold_key(SHARD)), 10, "the hold's end")


def test_a_hold_is_taken_when_memory_is_full(server: Redis, valkey: EmbeddedValkey) -> None:
    server.config_set("maxmemory", "100kb")
    with Hold(valkey.url, SHARD, "test") as hold:
        hold.check()
