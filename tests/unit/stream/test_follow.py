"""Following the stream of a real Valkey: what comes is seen, at a bounded rate."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest
from ingest._native import Encoder, Limits, Schema, pack_entry
from ingest.stream import follow
from ingest.stream.follow import BURST, READS_PER_S, ROWS, Budget, Follower
from ingest.stream.shards import stream_key

from tests.unit.native import kernel
from tests.unit.stream.rig import PROJECT, SCHEMA, SHARDS, batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest._native import Batch
    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis

BLOCK_MS = 2000


@pytest.fixture
def follower(server: Redis, valkey: EmbeddedValkey) -> Iterator[Follower]:
    append(server, batch(1))
    follower = Follower(valkey.url, SHARDS)
    assert follower.read(1) == []  # what was there before is nothing that comes
    yield follower
    follower.close()


def append(server: Redis, made: Batch, shard: int = 0) -> str:
    header, data = pack_entry([made], SCHEMA.fingerprint, 7, 0, compress=True)
    entry_id = server.xadd(stream_key(shard), {"h": header, "d": data})
    return entry_id.decode()  # type: ignore[union-attr]


def test_an_entry_is_seen_though_it_is_trimmed_at_once(server: Redis, follower: Follower) -> None:
    def append_and_trim() -> None:
        time.sleep(0.1)
        append(server, batch(2), 1)
        server.xtrim(stream_key(1), maxlen=0, approximate=False)

    thread = threading.Thread(target=append_and_trim)
    thread.start()
    rows = follower.read(BLOCK_MS)
    thread.join()
    assert [row.project_id for row in rows] == [PROJECT, PROJECT]


def test_each_entry_is_given_once(server: Redis, follower: Follower) -> None:
    made = [batch(1) for _ in range(3)]
    for one in made:
        append(server, one)
    seen = [row.event_id for _ in made for row in follower.read(BLOCK_MS)]
    assert seen == [event_id for one in made for event_id in one.event_ids]
    assert follower.read(1) == []


def test_under_load_the_newest_are_seen_and_the_rest_is_passed_over(
    server: Redis, follower: Follower
) -> None:
    paused: list[float] = []
    for _ in range(3 * BURST):
        append(server, batch(1))
        follower.read(1, paused.append)

    def pause(_seconds: float) -> None:
        for _ in range(100):
            append(server, batch(1))

    assert follower.read(1, pause) == []
    append(server, batch(1))
    assert len(follower.read(BLOCK_MS, lambda _seconds: None)) <= 1
    assert 0 < max(paused) <= 3 * BURST / READS_PER_S


def test_an_entry_that_cannot_be_read_is_passed_over(server: Redis, follower: Follower) -> None:
    server.xadd(stream_key(0), {"h": b"broken", "d": b"x"})
    assert follower.read(BLOCK_MS) == []


def test_a_stream_that_is_not_there_yet_is_waited_for(
    server: Redis, valkey: EmbeddedValkey
) -> None:
    server.flushall()
    follower = Follower(valkey.url, SHARDS)
    assert follower.read(1) == []
    append(server, batch(1))
    assert len(follower.read(BLOCK_MS)) == 1
    follower.close()


def test_of_a_large_entry_each_project_and_type_is_shown() -> None:
    encoder = Encoder(Schema(f"{kernel.FREE_FORM}[event_types.rare]"), Limits(), seed=bytes(32))
    types = ["a"] * 300 + ["rare"] + ["a"] * 100
    body = json.dumps([{"event_type": event_type} for event_type in types])
    rows = follow.choose(kernel.rows(kernel.encode(encoder, body)))
    assert [row.event_type for row in rows] == ["a"] * (ROWS - 1) + ["rare"]


def test_a_budget_gives_some_at_once_and_then_a_few_a_second() -> None:
    now = [0.0]
    budget = Budget(lambda: now[0])
    assert [budget.wait_s() for _ in range(BURST)] == [0.0] * BURST
    assert budget.wait_s() == pytest.approx(1 / READS_PER_S)
    now[0] += 2
    assert budget.wait_s() == 0.0
