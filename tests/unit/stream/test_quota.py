"""The counters of all workers, in a real Valkey under the workers' rights."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import pytest
from ingest.errors import IngestError, Retryable
from ingest.stream.connection import connect, connect_async
from ingest.stream.quota import KEEP_S, MOST_AT_ONCE, Level, QuotaCounters, Used
from ingest.stream.shards import QUOTA_WORKERS_KEY, quota_key

from tests.unit.loop import in_loop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.valkey import EmbeddedValkey
    from ingest.stream.connection import Wire
    from redis import Redis

TIMEOUT_S = 5.0
# So high that what leaks in a test can be neglected, or so low.
SLOW = 60


@pytest.fixture
def server(valkey: EmbeddedValkey) -> Iterator[Redis]:
    with connect(valkey.url, name="test") as client:
        client.delete(QUOTA_WORKERS_KEY)
        yield client


def counters(url: str) -> QuotaCounters:
    async def connected(timeout_s: float) -> Wire:
        return await connect_async(url, name="test", timeout_s=timeout_s)

    return QuotaCounters(connected, TIMEOUT_S)


def project() -> bytes:
    return secrets.token_bytes(16)


@in_loop
async def test_two_workers_see_each_other(server: Redis, valkey: EmbeddedValkey) -> None:
    first, second, of = counters(valkey.worker_url), counters(valkey.worker_url), project()
    told = await first.settle([Used(of, 1000, 10, 100_000, 500)])
    assert (told.workers, told.levels) == (1, [Level(10, 500)])
    told = await second.settle([Used(of, 1000, 5, 100_000, 50)])
    assert told.workers == 2
    assert told.levels[0].requests == pytest.approx(15, abs=2)
    assert told.levels[0].events == pytest.approx(550, abs=200)
    assert 0 < server.ttl(quota_key(of)) <= KEEP_S
    await first.close()
    await second.close()


@pytest.mark.usefixtures("server")
@in_loop
async def test_it_leaks_by_the_servers_clock(valkey: EmbeddedValkey) -> None:
    counter, of = counters(valkey.worker_url), project()
    await counter.settle([Used(of, 600, 100, SLOW, 10)])
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(0.5)
    told = await counter.settle([Used(of, 600, 0, SLOW, 0)])
    passed = asyncio.get_running_loop().time() - began
    assert 100 - 10 * passed - 1 <= told.levels[0].requests <= 95.1
    assert 9 <= told.levels[0].events <= 9.6
    await counter.close()


@pytest.mark.usefixtures("server")
@in_loop
async def test_never_below_nothing(valkey: EmbeddedValkey) -> None:
    counter, of = counters(valkey.worker_url), project()
    told = await counter.settle([Used(of, SLOW, -5, SLOW, 3)])
    assert told.levels == [Level(0, 3)]
    told = await counter.settle([Used(of, SLOW, 2, SLOW, -1)])
    assert told.levels[0].requests == 2
    assert told.levels[0].events == pytest.approx(2, abs=0.5)
    await counter.close()


@pytest.mark.usefixtures("server")
@in_loop
async def test_many_projects_in_one_report(valkey: EmbeddedValkey) -> None:
    counter = counters(valkey.worker_url)
    used = [Used(project(), SLOW, n, 0, 0) for n in range(MOST_AT_ONCE)]
    told = await counter.settle(used)
    assert told.levels == [Level(n, 0) for n in range(MOST_AT_ONCE)]
    assert (await counter.settle([])).levels == []
    await counter.close()


@in_loop
async def test_a_worker_that_ended_is_forgotten(server: Redis, valkey: EmbeddedValkey) -> None:
    counter = counters(valkey.worker_url)
    server.hset(QUOTA_WORKERS_KEY, mapping={"dead": 1000.5, "ahead": 9e9})
    assert (await counter.settle([])).workers == 1
    assert server.hlen(QUOTA_WORKERS_KEY) == 1
    await counter.close()


@in_loop
async def test_a_clock_set_back_stops_the_leak_once(server: Redis, valkey: EmbeddedValkey) -> None:
    counter, of = counters(valkey.worker_url), project()
    await counter.settle([Used(of, SLOW, 10, SLOW, 10)])
    server.hset(quota_key(of), "at", 9e9)  # when it was ahead
    assert (await counter.settle([Used(of, SLOW, 1, SLOW, 0)])).levels[0].requests == 11
    await counter.close()


@in_loop
async def test_what_does_not_answer_is_told_and_mended(
    server: Redis, valkey: EmbeddedValkey
) -> None:
    away = counters("redis://127.0.0.1:1")
    with pytest.raises(IngestError):
        await away.settle([])
    counter, of = counters(valkey.worker_url), project()
    server.set(quota_key(of), "no hash")
    with pytest.raises(Retryable, match="WRONGTYPE"):
        await counter.settle([Used(of, SLOW, 1, SLOW, 1)])
    server.delete(quota_key(of))
    assert (await counter.settle([Used(of, SLOW, 1, SLOW, 1)])).levels == [Level(1, 1)]
    await counter.close()
