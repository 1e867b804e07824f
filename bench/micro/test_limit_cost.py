"""What limits cost a worker: the whole handler without a look at plans, unlimited, and limited.

Waves of requests run against a real Valkey, so appending and settling are in it; only the HTTP
server is not. Medians of alternating runs of CPU time; the ratio is to the handler without limits.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest
from ingest._native import Schema
from ingest.addresses import AddressLimit
from ingest.api.admission import Admission
from ingest.api.handlers import NATIVE, EventRoute
from ingest.api.keys import KeyRing
from ingest.api.refusal_notes import RefusalNotes
from ingest.api.settler import Settler
from ingest.plans import MOST, Plan
from ingest.store import keys
from ingest.store.key_table import Grant
from ingest.stream.append import Appender, AppendPolicy
from ingest.stream.connection import Wire, connect_async
from ingest.stream.group import EntryPolicy, Grouper
from ingest.stream.link import Link
from ingest.stream.producer import Producer
from ingest.stream.quota import QuotaCounters
from robyn.robyn import QueryParams

from bench.micro.cases import SHARDS, encoder
from bench.workload import Workload, batch_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ingest.api.limits import Allowance
    from ingest.local.valkey import EmbeddedValkey
    from ingest.serving import Request

RUNS = 7
WAVE, WAVES = 64, 16
START_S = 60.0
REPLY_S, RESEND_S = 1.0, 5.0
#: So much that no run uses it up: what is measured is the look, not a refusal.
PLANS = {"most": Plan(requests_per_minute=MOST, events_per_minute=MOST), "unlimited": Plan()}
#: How much dearer a request of one event and of 200 may become.
MOST_DEARER = {1: 2.0, 200: 1.25}


class Unbounded(Admission):
    """What the handler was before there were plans: a key and nothing else."""

    async def request(self, grant: Grant) -> Allowance | None:
        """Look at nothing."""
        del grant
        return None


class Sent(NamedTuple):
    """What a handler reads of a request."""

    body: str
    query_params: QueryParams


class Side(NamedTuple):
    """A handler and the key of a project on its plan."""

    route: EventRoute
    headers: dict[str, str]


@asynccontextmanager
async def sides(url: str, body: str) -> AsyncIterator[dict[str, Side]]:
    """Run one worker's parts, and a handler for each side over them."""

    async def wire(timeout_s: float) -> Wire:
        return await connect_async(url, name="bench", timeout_s=timeout_s)

    ring, schema = KeyRing(), Schema.builtin()
    given = {plan: keys.generate("bench") for plan in PLANS}
    ring.replace(
        {
            keys.digest(key): Grant(secrets.token_bytes(16), "bench", plan)
            for plan, key in given.items()
        }
    )
    settler = Settler(QuotaCounters(wire, REPLY_S), 1)
    policy = EntryPolicy(0, SHARDS, 1 << 18, compress=True)
    appender = Appender(
        Link(wire, schema, SHARDS, REPLY_S),
        Grouper(Producer(), schema.fingerprint, policy),
        AppendPolicy(1 << 26, RESEND_S),
    )
    appender.start()
    settler.start()
    async with asyncio.timeout(START_S):
        while appender.away is not None:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0.01)

    def side(kind: type[Admission], plan: str) -> Side:
        admission = kind(ring, PLANS, settler, AddressLimit(0))
        route = EventRoute(NATIVE, admission, encoder(), appender, RefusalNotes())
        head = {"content-type": "application/json", "content-length": str(len(body))}
        return Side(route, head | {"x-api-key": given[plan]})

    yield {
        "bare": side(Unbounded, "unlimited"),
        "unlimited": side(Admission, "unlimited"),
        "limited": side(Admission, "most"),
    }
    await appender.close()
    await settler.close()


async def cpu_us(side: Side, body: str) -> float:
    """Give the CPU time of one request; each must be taken, and told its limits if it has any."""
    started = time.process_time()
    for _ in range(WAVES):
        asked = [cast("Request", Sent(body, QueryParams())) for _ in range(WAVE)]
        answers = await asyncio.gather(*(side.route.answer(one, side.headers) for one in asked))
        assert {answer.status_code for answer in answers} == {202}
    return (time.process_time() - started) / (WAVE * WAVES) * 1e6


async def measured(url: str, body: str) -> dict[str, list[float]]:
    """Measure the sides in turn."""
    async with sides(url, body) as all_sides:
        found: dict[str, list[float]] = {name: [] for name in all_sides}
        for _ in range(RUNS):
            for name, side in all_sides.items():
                found[name].append(await cpu_us(side, body))
        for name, side in all_sides.items():
            answer = await side.route.answer(
                cast("Request", Sent(body, QueryParams())), side.headers
            )
            assert (answer.headers.get("RateLimit") is not None) == (name == "limited")
    return found


@pytest.mark.parametrize("events", MOST_DEARER)
def test_cost_of_limits(
    sharded: EmbeddedValkey, events: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every request is taken, and limits stay within their bound."""
    body = batch_body(Workload(events, datetime.now(UTC)).batch(events))
    found = asyncio.run(measured(sharded.worker_url, body))
    for name in ("unlimited", "limited"):
        pairs = zip(found[name], found["bare"], strict=True)
        ratios = [one / bare for one, bare in pairs]
        with capsys.disabled():
            print(
                f"\n{events} events, {name}: {statistics.median(found[name]):.1f} against "
                f"{statistics.median(found['bare']):.1f} µs of CPU a request, "
                f"{statistics.median(ratios):.3f} times ({min(ratios):.3f} to {max(ratios):.3f})"
            )
        assert statistics.median(ratios) < MOST_DEARER[events]
