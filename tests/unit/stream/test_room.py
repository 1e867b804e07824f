"""When the stream counts as full: judged from a state, and against a real server that fills."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ingest.errors import StreamRefused
from ingest.stream import room, shards
from ingest.stream.durability import AckLevel
from ingest.stream.room import Room, RoomPolicy
from ingest.stream.server_state import Drain, ServerState

from tests.unit.stream.rig import accepted, appender, batch, eventually, stored_ids, submit

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis

CALM = ServerState(
    level=AckLevel.FSYNC,
    run_id="a",
    eviction_policy="noeviction",
    now_ms=1_000_000,
    used_bytes=10,
    max_bytes=100,
    drain=Drain(trimmed=0, entries=100, oldest_ms=1_000_000),
)


def code_after(judged: Room, **changes: object) -> str | None:
    """Show a state and give the code of the refusal, if there is one."""
    judged.see(replace(CALM, **changes))  # type: ignore[arg-type]
    return judged.refusal.code if judged.refusal else None


def test_it_closes_at_the_high_mark_and_opens_at_the_low_one() -> None:
    judged = Room(RoomPolicy(high_ratio=0.85, resume_ratio=0.75))
    assert code_after(judged, used_bytes=84) is None
    assert code_after(judged, used_bytes=85) == "stream_full"
    with pytest.raises(StreamRefused):
        judged.check()
    assert code_after(judged, used_bytes=76) == "stream_full"
    assert code_after(judged, used_bytes=74) is None
    assert code_after(judged, used_bytes=84) is None
    judged.check()


def test_without_a_bound_memory_never_closes_it() -> None:
    assert code_after(Room(RoomPolicy()), used_bytes=1 << 40, max_bytes=None) is None


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", None])
def test_a_policy_that_may_evict_closes_it(policy: str | None) -> None:
    judged = Room(RoomPolicy())
    assert code_after(judged, eviction_policy=policy) == "stream_misconfigured"
    assert code_after(judged) is None


def test_the_oldest_unread_entry_without_what_is_kept_on_purpose() -> None:
    judged = Room(RoomPolicy(max_oldest_s=60, keep_s=100))
    assert code_after(judged, now_ms=1_000_000 + 159_000) is None
    assert code_after(judged, now_ms=1_000_000 + 161_000) == "overloaded"
    assert code_after(judged, drain=Drain(5, 0, None)) is None


def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    assert code_after(Room(RoomPolicy(min_free_disk_bytes=1 << 60, disk=tmp_path))) == "stream_full"
    assert code_after(Room(RoomPolicy(min_free_disk_bytes=1, disk=tmp_path))) is None
    elsewhere = RoomPolicy(min_free_disk_bytes=1 << 60, disk=tmp_path / "none")
    assert code_after(Room(elsewhere)) is None


def test_retry_after_is_what_the_drain_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 entries fill 100; 250 must go, and 50 go each second."""
    clock = iter([0.0, 4.0])
    monkeypatch.setattr("ingest.stream.room.time.monotonic", lambda: next(clock))
    judged = Room(RoomPolicy(high_ratio=0.85, resume_ratio=0.75))
    judged.see(replace(CALM, used_bytes=100, drain=Drain(0, 1200, 1_000_000)))
    assert judged.retry_after_s() >= room.MAX_RETRY_S, "nothing is measured yet"
    judged.see(replace(CALM, used_bytes=100, drain=Drain(200, 1000, 1_000_000)))
    told = [judged.retry_after_s() for _ in range(100)]
    assert 5 <= min(told) < max(told) <= 7.5


def test_another_server_starts_the_measure_again() -> None:
    judged = Room(RoomPolicy())
    code_after(judged, drain=Drain(1_000, 10, 1_000_000))
    assert code_after(judged, run_id="b", drain=Drain(0, 10, 1_000_000)) is None
    assert judged.retry_after_s() == 0


def test_it_refuses_before_the_server_does_and_goes_on_when_drained(
    server: Redis, valkey: EmbeddedValkey
) -> None:
    async def scenario() -> None:
        server.config_set("maxmemory", int(server.info("memory")["used_memory"]) + (16 << 20))
        async with appender(valkey.worker_url, compress=False) as running:
            made, taken = batch(padding=60_000), 0
            while running.refusal is None:
                await submit(running, made)
                taken += 1
            with pytest.raises(StreamRefused) as refused:
                submit(running, made)
            assert refused.value.code == "stream_full"
            assert 1 <= running.retry_after_s() <= 45
            assert accepted(server) == len(stored_ids(server)) == taken > 0
            for shard in range(4):
                server.xtrim(shards.stream_key(shard), maxlen=0, approximate=False)
            await eventually(lambda: running.refusal is None)
            await submit(running, made)

    asyncio.run(scenario())


def test_a_policy_flipped_while_running(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            await submit(running, batch())
            server.config_set("maxmemory-policy", "allkeys-lru")
            await eventually(lambda: running.refusal is not None)
            with pytest.raises(StreamRefused) as refused:
                submit(running, batch())
            assert refused.value.code == "stream_misconfigured"
            server.config_set("maxmemory-policy", "noeviction")
            await eventually(lambda: running.refusal is None)
            await submit(running, batch())

    try:
        asyncio.run(scenario())
    finally:
        server.config_set("maxmemory-policy", "noeviction")
    assert accepted(server) == 2
