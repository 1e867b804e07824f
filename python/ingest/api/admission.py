"""Whether a request may go on: by its key, its project's plan, or its address without a valid key.

Nothing here waits for Valkey but a request that uses up its worker's share of a plan.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ingest import log, metrics, plans
from ingest.api import keys
from ingest.api.limits import EPSILON, Verdict
from ingest.media import Refusal
from ingest.serving import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingest.addresses import AddressLimit
    from ingest.api.keys import KeyRing
    from ingest.api.limits import Allowance, Bucket
    from ingest.api.settler import Settler
    from ingest.plans import Plan
    from ingest.serving import Response
    from ingest.store.key_table import Grant

metrics.UNCHECKED.counts[()] += 0


class Limited(Exception):
    """A request that is over a limit; `response` is its answer."""

    def __init__(self, code: str, response: Response) -> None:
        super().__init__(code)
        self.code = code
        self.response = response


class Admission:
    """Asked by each route; `settler` must have been started."""

    def __init__(
        self,
        ring: KeyRing,
        known_plans: Mapping[str, Plan],
        settler: Settler,
        addresses: AddressLimit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ring = ring
        self._plans = dict(known_plans)
        self._settler = settler
        self._addresses = addresses
        self._clock = clock

    def grant(self, headers: Mapping[str, str]) -> Grant:
        """Find what the key of a request is good for. Raises Refusal, or Limited at an address."""
        key = keys.presented(headers)
        grant = self._ring.find(key) if key is not None else None
        if grant is None and key is not None and not self._ring.is_loaded:
            raise Refusal("keys_unavailable")
        fault = "unauthorized" if grant is None else grant.fault(time.time())
        if grant is None or fault is not None:
            self._count_stranger(headers)
            raise Refusal(fault or "unauthorized")
        return grant

    async def request(self, grant: Grant) -> Allowance | None:
        """Charge one request to its project; None when its plan bounds nothing. Raises Limited.

        It is refused here, too, when no event would fit: before its body is read.
        """
        plan = self._plans.get(grant.plan) or self._strange(grant.plan)
        if plan.is_unlimited:
            return None
        allowance = self._settler.of(grant.project_id, plan)
        now_s = self._clock()
        events = allowance.events
        if events.limit and events.used(now_s) + 1 > events.limit + EPSILON:
            raise self._over(allowance, "events", events, 1)
        await self._charge(allowance, "requests", allowance.requests, 1)
        return allowance

    async def events(self, allowance: Allowance, count: int) -> None:
        """Charge a request's events, all or none. Raises Limited."""
        await self._charge(allowance, "events", allowance.events, count)

    def give_back(self, allowance: Allowance | None, events: int) -> None:
        """Take back the charge for a request that was not stored through no fault of its own."""
        if allowance is not None:
            allowance.requests.give_back(1)
            allowance.events.give_back(events)
            self._settler.touch(allowance)

    def headers(self, allowance: Allowance) -> dict[str, str]:
        """Tell a client its limits and what is left of them."""
        return {
            "RateLimit-Policy": allowance.policy,
            "RateLimit": allowance.told(self._clock()),
        }

    def _count_stranger(self, headers: Mapping[str, str]) -> None:
        """Count a request against its address. Raises Limited.

        The address is what the edge saw: it overwrites this header, and only it may ask a worker.
        """
        wait_s = self._addresses.wait_s(headers.get("x-real-ip", ""), self._clock())
        if wait_s:
            code = "address_limited"
            raise Limited(code, problem(code, Retry_After=_seconds(wait_s)))

    async def _charge(self, allowance: Allowance, unit: str, bucket: Bucket, cost: int) -> None:
        verdict = bucket.take(cost, self._clock(), self._settler.workers)
        if verdict is not Verdict.REFUSED:
            self._settler.touch(allowance)
        if verdict is Verdict.ADMITTED:
            return
        if verdict is Verdict.ASK:
            await self._settler.settled()
            if self._settler.is_away:
                metrics.UNCHECKED.counts[()] += 1
            if bucket.confirm(cost, self._clock()):
                return
            self._settler.touch(allowance)
        raise self._over(allowance, unit, bucket, cost)

    def _over(self, allowance: Allowance, unit: str, bucket: Bucket, cost: int) -> Limited:
        if cost > bucket.limit:
            code = "plan_too_small"
            told = f"the plan allows {bucket.limit} {unit} a minute and this has {cost}: send fewer"
            return Limited(code, problem(code, told))
        code = "plan_exceeded"
        told = f"the project's plan allows {bucket.limit} {unit} a minute: see RateLimit"
        wait_s = _seconds(bucket.wait_s(cost, self._clock()))
        named = {name.replace("-", "_"): text for name, text in self.headers(allowance).items()}
        return Limited(code, problem(code, told, Retry_After=wait_s, **named))

    def _strange(self, name: str) -> Plan:
        """Bound a plan that the settings don't know like the smallest one; tell it once."""
        log.get(__name__).error(
            "a plan is not in the settings", plan=name, bounded_like=plans.DEFAULT
        )
        plan = self._plans[name] = self._plans[plans.DEFAULT]
        return plan


def _seconds(wait_s: float) -> str:
    return str(max(1, math.ceil(wait_s)))
