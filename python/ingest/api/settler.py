"""Settles this worker's buckets with those of all workers: a few times a second, or when asked.

While Valkey does not answer, nobody waits: each worker goes on by what it knows alone.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ingest import log, metrics
from ingest.api.limits import Allowance
from ingest.errors import IngestError
from ingest.stream.quota import MOST_AT_ONCE, Used

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from ingest.plans import Plan
    from ingest.stream.quota import QuotaCounters, Settled

INTERVAL_S = 0.25
AWAY_S = 1.0
# While nobody sends anything.
QUIET_S = 5.0
FORGET_S = 60.0


class Settler:
    """All allowances of a worker, and the task that settles them; for one event loop."""

    def __init__(
        self,
        counters: QuotaCounters,
        workers: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counters = counters
        self.workers = workers
        self.is_away = False
        self._clock = clock
        self._allowances: dict[bytes, Allowance] = {}
        self._touched: list[Allowance] = []
        self._waiting: list[Future[None]] = []
        self._is_due, self._is_asked = asyncio.Event(), asyncio.Event()
        self._forgot_at_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in a task of the running loop."""
        metrics.PLANS_UNCHECKED.ask(lambda: {(): float(self.is_away)})
        self._task = asyncio.create_task(self._run(), name="settler")

    async def close(self) -> None:
        """Report the rest and end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self._settle_all()
        await self._counters.close()

    def of(self, project_id: bytes, plan: Plan) -> Allowance:
        """Give a project's allowance; one of another plan begins anew."""
        found = self._allowances.get(project_id)
        if found is None or found.plan is not plan:
            found = self._allowances[project_id] = Allowance(project_id, plan)
        return found

    def touch(self, allowance: Allowance) -> None:
        """Note that something was charged or given back."""
        if not allowance.is_touched:
            allowance.is_touched = True
            self._touched.append(allowance)
            self._is_due.set()

    async def settled(self) -> None:
        """Return when what was charged before has been settled, or can't be."""
        if self.is_away:
            return
        waiting: Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._is_asked.set()
        self._is_due.set()
        await waiting

    async def _run(self) -> None:
        while True:
            await self._due()
            self._is_due.clear()
            self._is_asked.clear()
            await self._settle_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(AWAY_S if self.is_away else INTERVAL_S):
                    await self._is_asked.wait()

    async def _due(self) -> None:
        """Return when there is something to report, or it is time to see whether Valkey is back."""
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_S if self.is_away else None):
                await self._is_due.wait()

    async def _settle_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        touched, self._touched = self._touched, []
        for begin in range(0, max(1, len(touched)), MOST_AT_ONCE):
            await self._settle(touched[begin : begin + MOST_AT_ONCE])
        if self.is_away:
            waiting, self._waiting = waiting + self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)
        self._forget()

    async def _settle(self, allowances: list[Allowance]) -> None:
        used = [_used(one) for one in allowances]
        try:
            settled = await self._counters.settle(used)
        except IngestError as error:
            self._go_alone(allowances, error)
        else:
            self._take_over(allowances, settled)

    def _take_over(self, allowances: list[Allowance], settled: Settled) -> None:
        now_s = self._clock()
        for allowance, level in zip(allowances, settled.levels, strict=True):
            allowance.requests.settle(level.requests, now_s)
            allowance.events.settle(level.events, now_s)
        if self.is_away:
            log.get(__name__).info("limits hold over all workers again")
        self.workers, self.is_away = max(1, settled.workers), False

    def _go_alone(self, allowances: list[Allowance], error: IngestError) -> None:
        now_s = self._clock()
        for allowance in allowances:
            allowance.requests.settle_alone(now_s)
            allowance.events.settle_alone(now_s)
        if not self.is_away:
            log.get(__name__).warning("each worker limits alone", reason=str(error))
        self.is_away = True

    def _forget(self) -> None:
        now_s = self._clock()
        if now_s - self._forgot_at_s < FORGET_S:
            return
        self._forgot_at_s = now_s
        kept = {key: one for key, one in self._allowances.items() if not one.is_idle(now_s)}
        self._allowances = kept


def _used(allowance: Allowance) -> Used:
    allowance.is_touched = False
    requests, events = allowance.requests, allowance.events
    return Used(allowance.project_id, requests.limit, requests.send(), events.limit, events.send())
