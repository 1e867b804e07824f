"""Group commit against a real server, with a proxy that cuts replies in the middle."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from ingest.errors import IngestError, OutcomeUnknown, Overloaded, ShardMissing, StreamRefused
from ingest.stream import shards
from ingest.stream.durability import AckLevel

from tests.unit.stream.cutting_proxy import CuttingProxy
from tests.unit.stream.rig import (
    DEADLINE_S,
    SCHEMA,
    accepted,
    appender,
    batch,
    eventually,
    policy,
    stored_ids,
    submit,
)

if TYPE_CHECKING:
    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis


def test_an_acknowledged_event_is_in_the_stream(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            made = batch(3)
            assert await submit(running, made) is AckLevel.FSYNC
            assert stored_ids(server) == made.event_ids
            assert running._backlog.held_bytes == 0

    asyncio.run(scenario())
    assert accepted(server) == 3
    assert server.hget(shards.SCHEMA_KEY, SCHEMA.fingerprint.hex()) == SCHEMA.text.encode()


def test_what_waits_is_sent_as_one_entry(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            await asyncio.gather(*[submit(running, batch()) for _ in range(100)])

    asyncio.run(scenario())
    assert server.xlen(shards.stream_key(0)) == 1
    assert accepted(server) == len(stored_ids(server)) == 100


def test_named_batches_reach_all_shards(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            made = [batch(2, key=f"key-{index}") for index in range(40)]
            await asyncio.gather(*[submit(running, one) for one in made])

    asyncio.run(scenario())
    assert accepted(server) == len(stored_ids(server)) == 80
    assert all(server.xlen(shards.stream_key(shard)) for shard in range(4))


@pytest.mark.parametrize("reply_bytes", [0, 4, 12, 30])
def test_a_reply_cut_off_is_no_reply(
    server: Redis, valkey: EmbeddedValkey, reply_bytes: int
) -> None:
    """The server has stored the entry; it is sent again with the same ids, and counted twice."""

    async def scenario(proxy: CuttingProxy) -> None:
        async with appender(proxy.url) as running:
            made = batch(5)
            proxy.cut_after(b"XADD", reply_bytes)
            assert await submit(running, made) is AckLevel.FSYNC
            assert proxy.cuts == 1
            assert stored_ids(server) == made.event_ids * 2

    with CuttingProxy(valkey.worker_url) as proxy:
        asyncio.run(scenario(proxy))
    assert accepted(server) == 10


def test_an_outcome_that_stays_unknown_is_told(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario(proxy: CuttingProxy) -> None:
        async with appender(proxy.url, policy(resend_s=0.3)) as running:
            proxy.cut_after(b"XADD", 0)
            answer = submit(running, batch())
            await eventually(lambda: proxy.cuts == 1)
            proxy.refuse()
            with pytest.raises(OutcomeUnknown):
                await answer
            await eventually(lambda: running.away is not None)
            with pytest.raises(StreamRefused) as refused:
                submit(running, batch())
            assert refused.value.code == "stream_unavailable"
            proxy.admit()
            await eventually(lambda: running.away is None)
            assert await submit(running, batch()) is AckLevel.FSYNC
            assert running._backlog.held_bytes == 0

    with CuttingProxy(valkey.worker_url) as proxy:
        asyncio.run(scenario(proxy))
    assert accepted(server) == len(stored_ids(server)) == 2


def test_a_silent_server_is_given_up_and_nothing_hangs(
    server: Redis, valkey: EmbeddedValkey
) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url, policy(resend_s=0.5), reply_s=0.2) as running:
            server.client_pause(2000, all=True)
            with pytest.raises(OutcomeUnknown):
                await submit(running, batch())
            await eventually(lambda: running.away is None)
            await submit(running, batch())

    asyncio.run(scenario())
    assert accepted(server) == len(stored_ids(server)) >= 1


def test_overload_is_answered_at_once(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        one = batch(padding=10_000)
        told = policy(max_queued_bytes=10 * (one.nbytes + 2048))
        async with appender(valkey.worker_url, told) as running:
            waiting = [submit(running, one) for _ in range(10)]
            with pytest.raises(Overloaded) as overloaded:
                submit(running, one)
            assert overloaded.value.retry_after_s >= 1
            await asyncio.gather(*waiting)
            await submit(running, one)

    asyncio.run(scenario())
    assert accepted(server) == len(stored_ids(server)) == 11


def test_a_full_server_refuses_all_or_nothing(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            server.config_set("maxmemory", 1)
            with pytest.raises(StreamRefused) as refused:
                await submit(running, batch())
            assert refused.value.code == "stream_full"
            assert stored_ids(server) == []
            server.config_set("maxmemory", 1 << 30)
            await submit(running, batch())

    asyncio.run(scenario())
    assert accepted(server) == len(stored_ids(server)) == 1


def test_a_missing_shard_counts_nothing(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            server.delete(shards.stream_key(0))
            with pytest.raises(ShardMissing):
                await submit(running, batch(4))
            assert not server.exists(shards.stream_key(0), shards.accepted_key(0))
            shards.create(server, 0, "0-0")
            await submit(running, batch(4))

    asyncio.run(scenario())
    assert accepted(server) == len(stored_ids(server)) == 4


def test_a_key_of_another_type_is_a_persons_business(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            server.delete(shards.stream_key(0))
            server.set(shards.stream_key(0), "not a stream")
            with pytest.raises(StreamRefused) as refused:
                await submit(running, batch())
            assert refused.value.code == "stream_misconfigured"
            server.delete(shards.stream_key(0))

    asyncio.run(scenario())
    assert accepted(server) == 0


def test_one_bad_shard_does_not_take_the_others_along(
    server: Redis, valkey: EmbeddedValkey
) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            server.delete(shards.stream_key(0))
            named = [batch(key=f"key-{index}") for index in range(40)]
            results = await asyncio.gather(
                *[submit(running, one) for one in named], return_exceptions=True
            )
            for one, result in zip(named, results, strict=True):
                is_missing = isinstance(result, ShardMissing)
                assert is_missing == (one.shard_hash % 4 == 0), result

    asyncio.run(scenario())
    assert accepted(server) == len(stored_ids(server)) < 40


def test_the_level_follows_the_server(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            assert await submit(running, batch()) is AckLevel.FSYNC
            for name, value, level in (
                ("appendfsync", "everysec", AckLevel.MEMORY),
                ("appendfsync", "always", AckLevel.FSYNC),
                ("no-appendfsync-on-rewrite", "yes", AckLevel.MEMORY),
                ("no-appendfsync-on-rewrite", "no", AckLevel.FSYNC),
            ):
                server.config_set(name, value)
                await eventually(lambda wanted=level: running.level is wanted)  # type: ignore[misc]
                assert await submit(running, batch()) is level

    asyncio.run(scenario())


@pytest.mark.parametrize("setting", ["allkeys-lru", "volatile-ttl"])
def test_nothing_is_acknowledged_while_the_server_may_evict(
    server: Redis, valkey: EmbeddedValkey, setting: str
) -> None:
    """Set between two looks at the server: the next append's own round trip tells."""

    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            await submit(running, batch())
            running._link._looked_at = time.monotonic() + DEADLINE_S  # no look is due
            server.config_set("maxmemory-policy", setting)
            with pytest.raises(OutcomeUnknown, match="evict"):
                await submit(running, batch())
            with pytest.raises(StreamRefused) as refused:
                submit(running, batch())
            assert refused.value.code == "stream_misconfigured"
            server.config_set("maxmemory-policy", "noeviction")
            await eventually(lambda: running.refusal is None)
            assert await submit(running, batch()) is AckLevel.FSYNC

    asyncio.run(scenario())
    assert accepted(server) == len(stored_ids(server)) == 3


def test_the_level_is_that_of_the_append_itself(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url) as running:
            await submit(running, batch())
            running._link._looked_at = time.monotonic() + DEADLINE_S  # no look is due
            server.config_set("appendfsync", "everysec")
            assert await submit(running, batch()) is AckLevel.MEMORY

    asyncio.run(scenario())


def test_a_user_who_may_not_read_the_settings_is_told_memory(
    server: Redis, valkey: EmbeddedValkey
) -> None:
    server.acl_setuser(
        "blind", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-config|get"]
    )
    url = valkey.url.replace(valkey.url.split("//")[1].split("@")[0], "blind:pw")

    async def scenario() -> None:
        async with appender(url) as running:
            assert await submit(running, batch()) is AckLevel.MEMORY

    try:
        asyncio.run(scenario())
    finally:
        server.acl_deluser("blind")


def test_another_number_of_shards_is_refused(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url, policy(resend_s=0.2)) as running:
            server.set(shards.COUNT_KEY, 9)
            server.client_kill_filter(user="worker")
            await eventually(lambda: running.away is not None)
            with pytest.raises(StreamRefused) as refused:
                submit(running, batch())
            assert refused.value.code == "stream_misconfigured"
            assert "9 shards" in str(refused.value)

    asyncio.run(scenario())


def test_whoever_waits_at_the_end_is_answered(server: Redis, valkey: EmbeddedValkey) -> None:
    async def scenario() -> None:
        async with appender(valkey.worker_url, reply_s=5) as running:
            server.client_pause(1000, all=True)
            waiting = [submit(running, batch()) for _ in range(3)]
            await asyncio.sleep(0)
            await running.close()
            results = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(result, IngestError) for result in results)
        server.client_unpause()

    asyncio.run(scenario())
