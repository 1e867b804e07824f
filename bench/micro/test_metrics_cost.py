"""What counting costs a worker: requests answered on a real Valkey with counting and without.

A lone event is the dearest case; a batch counts as often. Of the worker all is there but Robyn,
so that its true share is smaller. Without: an observation is a call that does nothing. Counts are
made on both sides; what a request's three take is measured alone and taken from the side without.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from ingest import metrics, serving
from ingest._native import Encoder, Limits, Schema
from ingest.addresses import AddressLimit
from ingest.api.admission import Admission
from ingest.api.handlers import NATIVE, event_routes
from ingest.api.keys import KeyRing
from ingest.api.refusal_notes import RefusalNotes
from ingest.api.settler import Settler
from ingest.plans import BUILT_IN
from ingest.store import keys
from ingest.store.key_table import Grant
from ingest.stream import shards
from ingest.stream.append import Appender, AppendPolicy
from ingest.stream.connection import Wire, connect, connect_async
from ingest.stream.group import EntryPolicy, Grouper
from ingest.stream.link import Link
from ingest.stream.producer import Producer
from ingest.stream.quota import QuotaCounters
from ingest.tally import Buckets, Tally

from bench.micro.cases import SHARDS
from bench.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from ingest.local.valkey import EmbeddedValkey

RUNS = 9
COUNTS, TOGETHER = 10_000, 64
START_S = 60.0
#: How much dearer counting may make a request.
MOST = 1.10
ACCEPTED = 202
KEY = keys.generate("live")


class Asked:
    """A request as the handlers see it."""

    query_params = type("Parameters", (), {"multi_items": staticmethod(list)})

    def __init__(self, body: str) -> None:
        self.body = body
        told = {
            "x-api-key": KEY,
            "content-type": "application/json",
            "content-length": str(len(body.encode())),
        }
        self.headers = type("Headers", (), {"to_dict": staticmethod(told.copy)})


@contextmanager
def uncounted() -> Iterator[None]:
    """Count nothing for a while."""
    observe = Buckets.observe
    Buckets.observe = staticmethod(id)  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Buckets.observe = observe  # type: ignore[method-assign]


def tallies_us() -> float:
    """Measure what counting one accepted request takes: by status, events, bytes."""
    counts, labels = Tally("a_total", "", "", "b", "c").counts, (NATIVE, "202")
    start = time.process_time()
    for _ in range(COUNTS):
        counts[NATIVE, "202"] += 1
        counts[NATIVE,] += 1
        counts[labels] += 1
    return (time.process_time() - start) / COUNTS * 1e6


def empty(url: str) -> None:
    """Let go of what was appended: it would fill the server."""
    with connect(url, name="bench") as client:
        for shard in range(SHARDS):
            client.xtrim(shards.stream_key(shard), maxlen=0)


def worker(url: str) -> tuple[Appender, Callable[[], Callable[[Any], Awaitable[Any]]]]:
    """Make a worker's parts; the second gives its handler, as serving runs it, made anew."""

    async def link(timeout_s: float) -> Wire:
        return await connect_async(url, name="bench", timeout_s=timeout_s)

    schema = Schema.builtin()
    grouper = Grouper(Producer(), schema.fingerprint, EntryPolicy(0, SHARDS, 1 << 18, True))
    appender = Appender(Link(link, schema, SHARDS, 2.5), grouper, AppendPolicy(64 << 20, 5.0))
    ring = KeyRing()
    ring.replace({keys.digest(KEY): Grant(bytes(16), "bench", "unlimited")})
    encoder = Encoder(schema, Limits(), seed=bytes(32))
    settler = Settler(QuotaCounters(link, START_S), 1)
    admission = Admission(ring, BUILT_IN, settler, AddressLimit(0))
    routes = event_routes(admission, encoder, appender, RefusalNotes())

    class Service:
        """What serving asks for."""

        def __init__(self) -> None:
            self.routes = routes

        def refuse(self, _request: object, _headers: object) -> None:
            """Let everybody in."""

    process = serving._Process(Service(), "127.0.0.1", 0, 1.0)  # type: ignore[arg-type] # noqa: SLF001
    (answer,) = (route.answer for route in routes if route.path == NATIVE)
    return appender, lambda: process._counted("POST", NATIVE, answer)  # noqa: SLF001


async def cpu_us(
    handle: Callable[[Any], Awaitable[Any]], bodies: list[str], requests: int
) -> float:
    """Answer requests, so many at a time; give the process's CPU time of one."""
    left = iter(range(requests))

    async def client() -> None:
        for number in left:
            response = await handle(Asked(bodies[number % len(bodies)]))
            assert response.status_code == ACCEPTED, response.description

    start = time.process_time()
    await asyncio.gather(*(client() for _ in range(TOGETHER)))
    return (time.process_time() - start) / requests * 1e6


async def compare(url: str, bodies: list[str], requests: int) -> list[tuple[float, float]]:
    """Take turns; the first turn of each only warms up."""
    appender, handler = worker(url)
    appender.start()
    while appender.away is not None:  # noqa: ASYNC110 - it has no event for it
        await asyncio.sleep(0.01)
    pairs = []
    for _ in range(RUNS + 1):
        with uncounted():
            without = await cpu_us(handler(), bodies, requests)
        before = waited()
        counted = await cpu_us(handler(), bodies, requests)
        assert waited() == before + requests, "all are counted, and none of those without"
        empty(url)
        pairs.append((without - tallies_us(), counted))
    await appender.close()
    return pairs[1:]


def waited() -> int:
    """Give how many requests have been counted."""
    return sum(metrics.GROUP_WAIT_SECONDS.of().counts)


@pytest.mark.parametrize(("events", "requests"), [(1, 4000), (200, 400)])
def test_cost_of_counting(
    sharded: EmbeddedValkey, events: int, requests: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counting stays a small part of a request."""
    workload = Workload(events, datetime.now(UTC))
    bodies = [json.dumps({"events": workload.batch(events)}) for _ in range(20)]
    pairs = asyncio.run(compare(sharded.url, bodies, requests))
    ratios = [counted / without for without, counted in pairs]
    without, counted = (statistics.median(side) for side in zip(*pairs, strict=True))
    with capsys.disabled():
        print(
            f"\n{events} events: {without:.1f} µs of CPU a request without, {counted:.1f} with "
            f"counting, {statistics.median(ratios):.3f} times "
            f"({min(ratios):.3f} to {max(ratios):.3f})"
        )
    assert statistics.median(ratios) < MOST
