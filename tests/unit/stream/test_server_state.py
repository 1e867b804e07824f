"""What a real server tells of itself, and what is made of answers that can't be read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from ingest.errors import Retryable
from ingest.stream import server_state, shards
from ingest.stream.connection import connect, connect_async
from ingest.stream.durability import AckLevel
from ingest.stream.replies import ErrorReply
from ingest.stream.server_state import ServerState

from tests.unit.stream.rig import SHARDS

if TYPE_CHECKING:
    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis


def look(url: str, shard_count: int = SHARDS) -> ServerState:
    """Look once, as a worker does."""

    async def scenario() -> ServerState:
        wire = await connect_async(url, name="test")
        buffers = [server_state.read(shard_count)]
        replies = await wire.exchange(buffers, server_state.REPLIES, 5)
        await wire.close()
        return server_state.parse(replies)

    return asyncio.run(scenario())


def test_a_worker_may_see_all_of_it(server: Redis, valkey: EmbeddedValkey) -> None:
    first: Any = server.xadd(shards.stream_key(1), {"d": b"x" * 100_000})
    server.xadd(shards.stream_key(2), {"d": b"x"})
    server.xadd(shards.stream_key(2), {"d": b"x"})
    server.xtrim(shards.stream_key(2), maxlen=1, approximate=False)
    state = look(valkey.worker_url, SHARDS + 1)
    assert state.fault is None
    assert state.level is AckLevel.FSYNC
    assert state.max_bytes == 1 << 30
    assert 100_000 < state.used_bytes < 1 << 30
    assert state.run_id == server.info("server")["run_id"]
    assert state.drain is not None
    assert (state.drain.trimmed, state.drain.entries) == (1, 2)
    assert str(state.drain.oldest_ms) == first.decode().partition("-")[0]
    assert 0 <= state.oldest_s < 60


@pytest.mark.usefixtures("server")
def test_empty_streams(valkey: EmbeddedValkey) -> None:
    state = look(valkey.worker_url)
    assert state.drain == server_state.Drain(0, 0, None)
    assert state.oldest_s == 0


def test_what_cannot_be_read_is_not_trusted() -> None:
    refused = ErrorReply("NOPERM", "...")
    state = server_state.parse([refused, refused, refused])
    assert state.level is AckLevel.MEMORY
    assert state.drain is None
    assert state.max_bytes is None
    assert "can't be read" in (state.fault or "")


def test_an_operator_asks_the_same(server: Redis, valkey: EmbeddedValkey) -> None:
    server.config_set("maxmemory-policy", "allkeys-lru")
    try:
        state = server_state.ask(connect(valkey.consumer_url, name="test"))
    finally:
        server.config_set("maxmemory-policy", "noeviction")
    assert "allkeys-lru" in (state.fault or "")
    assert (state.level, state.max_bytes) == (AckLevel.FSYNC, 1 << 30)


def test_a_server_that_is_away() -> None:
    with pytest.raises(Retryable):
        server_state.ask(connect("redis://127.0.0.1:1", name="test"))
