"""Several workers' settlers on a real Valkey: together they keep to one plan."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from ingest import metrics
from ingest.addresses import AddressLimit
from ingest.api.admission import Admission, Limited
from ingest.api.keys import KeyRing
from ingest.api.limits import TOLERANCE, WINDOW_S
from ingest.api.settler import FORGET_S, Settler
from ingest.plans import BUILT_IN, Plan
from ingest.store.key_table import Grant
from ingest.stream.connection import connect, connect_async
from ingest.stream.quota import QuotaCounters
from ingest.stream.shards import QUOTA_WORKERS_KEY

from tests.unit.loop import in_loop
from tests.unit.stream.cutting_proxy import CuttingProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ingest.local.valkey import EmbeddedValkey
    from ingest.stream.connection import Wire

TIMEOUT_S = 2.0
REQUESTS, EVENTS = 2_000, 60_000
PLANS = BUILT_IN | {
    "team": Plan(requests_per_minute=REQUESTS, events_per_minute=EVENTS),
    "few": Plan(requests_per_minute=10),
    "counted": Plan(events_per_minute=EVENTS),
}


class Worker:
    """One worker's admission, as the handlers have it."""

    def __init__(self, url: str, skew_s: float) -> None:
        self.skew_s = skew_s

        async def connected(timeout_s: float) -> Wire:
            return await connect_async(url, name="test", timeout_s=timeout_s)

        def clock() -> float:
            return time.monotonic() + self.skew_s

        self.settler = Settler(QuotaCounters(connected, TIMEOUT_S), 2, clock)
        self.admission = Admission(KeyRing(), PLANS, self.settler, AddressLimit(0), clock)

    async def post(self, grant: Grant, events: int = 1) -> str:
        """Ask for one request; gives the refusal's code, or nothing."""
        try:
            allowance = await self.admission.request(grant)
            if allowance is not None:
                await self.admission.events(allowance, events)
        except Limited as limited:
            return limited.code
        return ""

    async def count(self, grant: Grant, times: int, events: int = 1, pause_s: float = 0) -> int:
        """Post so often, letting the others run in between; count what is admitted."""
        admitted = 0
        for _ in range(times):
            admitted += not await self.post(grant, events)
            await asyncio.sleep(pause_s)
        return admitted


@asynccontextmanager
async def workers(url: str, count: int) -> AsyncIterator[list[Worker]]:
    made = [Worker(url, 1000.0 * index) for index in range(count)]
    for worker in made:
        worker.settler.start()
    yield made
    for worker in made:
        await worker.settler.close()


@pytest.fixture(autouse=True)
def nobody_yet(valkey: EmbeddedValkey) -> Iterator[None]:
    with connect(valkey.url, name="test") as client:
        client.delete(QUOTA_WORKERS_KEY)
        yield


def grant(plan: str) -> Grant:
    return Grant(secrets.token_bytes(16), "shop", plan)


def assert_kept(admitted: int, limit: int, seconds: float) -> None:
    """Compare with the limit, what leaked meanwhile, and the stated tolerance."""
    allowed = limit * (1 + seconds / WINDOW_S)
    assert limit <= admitted <= allowed + limit * TOLERANCE


@pytest.mark.parametrize("count", [1, 2, 5])
@in_loop
async def test_requests_of_all_workers_keep_to_the_plan(valkey: EmbeddedValkey, count: int) -> None:
    async with workers(valkey.worker_url, count) as all_workers:
        of, began = grant("team"), time.monotonic()
        admitted = await asyncio.gather(*(one.count(of, REQUESTS) for one in all_workers))
        assert_kept(sum(admitted), REQUESTS, time.monotonic() - began)


@in_loop
async def test_one_worker_may_have_it_all(valkey: EmbeddedValkey) -> None:
    async with workers(valkey.worker_url, 3) as (busy, *others):
        of, began = grant("team"), time.monotonic()
        for other in others:
            assert await other.count(of, 1) == 1
        admitted = 2 + await busy.count(of, REQUESTS + 100)
        assert_kept(admitted, REQUESTS, time.monotonic() - began)


@in_loop
async def test_events_of_all_workers_keep_to_the_plan(valkey: EmbeddedValkey) -> None:
    async with workers(valkey.worker_url, 3) as all_workers:
        of, began = grant("team"), time.monotonic()
        admitted = await asyncio.gather(*(one.count(of, 200, 200) for one in all_workers))
        events, seconds = sum(admitted) * 200, time.monotonic() - began
        # What does not fit is refused as a whole: a batch less than the plan is left over.
        assert EVENTS - 200 <= events <= EVENTS * (1 + seconds / WINDOW_S + TOLERANCE)


@in_loop
async def test_concurrent_requests_at_the_end_of_a_plan(valkey: EmbeddedValkey) -> None:
    async with workers(valkey.worker_url, 2) as (first, second):
        of, began = grant("few"), time.monotonic()
        posts = [one.post(of) for _ in range(20) for one in (first, second)]
        codes = await asyncio.gather(*posts)
        assert set(codes) == {"", "plan_exceeded"}
        assert 10 <= codes.count("") <= 10 * (1 + (time.monotonic() - began) / WINDOW_S) + 1


@in_loop
async def test_who_is_over_its_plan_does_not_touch_others(valkey: EmbeddedValkey) -> None:
    async with workers(valkey.worker_url, 2) as all_workers:
        greedy, modest, free = grant("few"), grant("team"), grant("unlimited")
        posts = [one.count(of, 300) for one in all_workers for of in (greedy, modest, free)]
        admitted = await asyncio.gather(*posts)
        assert admitted[1::3] == admitted[2::3] == [300, 300]
        assert sum(admitted[0::3]) < 20


@in_loop
async def test_a_batch_larger_than_the_plan_is_another_refusal(valkey: EmbeddedValkey) -> None:
    async with workers(valkey.worker_url, 1) as (worker,):
        assert await worker.post(grant("counted"), EVENTS + 1) == "plan_too_small"
        assert await worker.post(grant("counted"), EVENTS) == ""


@in_loop
async def test_no_body_is_read_when_no_event_fits(valkey: EmbeddedValkey) -> None:
    async with workers(valkey.worker_url, 1) as (worker,):
        of = grant("counted")
        assert await worker.post(of, EVENTS) == ""
        with pytest.raises(Limited) as refused:
            await worker.admission.request(of)
        headers = refused.value.response.headers
        assert headers.get("RateLimit-Policy") == f'"events";q={EVENTS};w=60;qu="events"'
        assert (headers.get("RateLimit") or "").startswith('"events";r=0;t=')
        assert int(headers.get("Retry-After") or 0) >= 1


@in_loop
async def test_what_was_not_stored_is_given_back(valkey: EmbeddedValkey) -> None:
    async with workers(valkey.worker_url, 1) as (worker,):
        of = grant("few")
        for _ in range(50):
            allowance = await worker.admission.request(of)
            assert allowance is not None
            worker.admission.give_back(allowance, 0)
        assert await worker.count(of, 20) == 10


@in_loop
async def test_a_plan_that_is_changed_bounds_what_comes(valkey: EmbeddedValkey) -> None:
    async with workers(valkey.worker_url, 1) as (worker,):
        few = grant("few")
        assert await worker.count(few, 20) == 10
        more = Grant(few.project_id, "shop", "team")
        assert await worker.count(more, 20) == 20
        assert await worker.post(Grant(few.project_id, "shop", "few")) == "plan_exceeded"


@in_loop
async def test_a_plan_nobody_knows_is_the_smallest(valkey: EmbeddedValkey) -> None:
    async with workers(valkey.worker_url, 1) as (worker,):
        limit = BUILT_IN["free"].requests_per_minute
        assert await worker.count(grant("gold"), 2 * limit) <= limit + 2


@in_loop
async def test_it_goes_on_alone_and_comes_back(valkey: EmbeddedValkey) -> None:
    with CuttingProxy(valkey.worker_url) as proxy:
        async with workers(proxy.url, 2) as (first, second):
            of = grant("few")
            assert await first.count(of, 3) == 3
            proxy.refuse()
            before, began = metrics.UNCHECKED.counts[()], time.monotonic()
            # Each by what it knows: the first one of 3 that were used, the second one of none.
            assert await first.count(of, 20) == 7
            assert await second.count(of, 20) == 10
            assert time.monotonic() - began < TIMEOUT_S
            assert metrics.UNCHECKED.counts[()] - before >= 15
            proxy.admit()
            async with asyncio.timeout(10):
                while first.settler.is_away or second.settler.is_away:
                    await asyncio.gather(first.post(of), second.post(of), asyncio.sleep(0.05))


@in_loop
async def test_projects_that_went_quiet_are_forgotten(valkey: EmbeddedValkey) -> None:
    async with workers(valkey.worker_url, 1) as (worker,):
        for _ in range(20):
            await worker.post(grant("few"))
        quiet = worker.settler.of(bytes(16), PLANS["few"])
        worker.skew_s += 2 * FORGET_S
        await worker.post(grant("few"))
        await worker.settler.settled()
        assert worker.settler.of(bytes(16), PLANS["few"]) is not quiet
