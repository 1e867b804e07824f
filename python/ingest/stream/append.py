"""Group commit: joins the batches that wait in a worker and appends them to the stream.

Whatever waits is sent as one pipeline; the next group forms while this one is in flight, and there
is no timer, so that an idle worker sends at once. A batch is answered after Valkey's own answer.
After that a worker with little to do that has to wait for a core sleeps some milliseconds (`rest`).
While Valkey is away for longer than a group is sent again, batches are refused at once.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest import log, metrics
from ingest.errors import IngestError, OutcomeUnknown, StreamRefused
from ingest.stream.backlog import Backlog, Waiting
from ingest.stream.backoff import Backoff
from ingest.stream.connection import CONNECT_TIMEOUT_S
from ingest.stream.delivery import CANNOT_SEND, deliver, refusal
from ingest.stream.durability import AckLevel
from ingest.stream.rest import Rest

if TYPE_CHECKING:
    from asyncio import Future

    from ingest._native import Batch
    from ingest.settings import Settings
    from ingest.stream.group import Grouper, Transaction
    from ingest.stream.link import Link

# A group's share of the event loop: others wait while it is packed.
GROUP_BYTES = 1 << 20
# Turns of the event loop until those whose batch was stored have been answered.
ANSWER_TURNS = 3
# So many batches share what a group costs well enough: nobody rests for more.
ENOUGH = 4
# Why everything may be refused for a while.
CODES = ("stream_unavailable", "stream_misconfigured", "stream_full", "overloaded")

metrics.RETRIES.counts["append",] += 0
_wait, _append = metrics.GROUP_WAIT_SECONDS.of(), metrics.APPEND_SECONDS.of()
_requests, _entries = metrics.GROUP_REQUESTS.of(), metrics.GROUP_ENTRIES.of()


@dataclass(frozen=True, slots=True)
class AppendPolicy:
    """What an appender is told; it never changes while one lives."""

    max_queued_bytes: int
    resend_s: float
    group_bytes: int = GROUP_BYTES

    @classmethod
    def of(cls, settings: Settings) -> AppendPolicy:
        """Take the policy out of the settings."""
        return cls(settings.max_queued_bytes, settings.resend_s)


class Appender:
    """One worker's way into the stream: one connection, one group in flight.

    Everything but the constructor is used from one event loop.
    """

    def __init__(
        self, link: Link, grouper: Grouper, policy: AppendPolicy, rest: Rest | None = None
    ) -> None:
        self._link = link
        self._grouper = grouper
        self._policy = policy
        self._rest = rest or Rest()
        self._backlog = Backlog(policy.max_queued_bytes)
        self._filled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # Set while Valkey has been away for resend_s: nothing is taken that could only wait.
        self._away: IngestError | None = StreamRefused("stream_unavailable", "not connected yet")

    @property
    def level(self) -> AckLevel:
        """What an acknowledgement promises at present."""
        return self._link.level

    @property
    def away(self) -> str | None:
        """Why batches are refused at present; None while they are taken."""
        return None if self._away is None else str(self._away)

    @property
    def refusal(self) -> StreamRefused | None:
        """Why a server that is there is given nothing at present; None while it is."""
        return self._link.room.refusal

    def start(self) -> None:
        """Begin to connect and to append, in a task of the running loop."""
        self._show()
        self._task = asyncio.create_task(self._run(), name="appender")

    async def close(self) -> None:
        """Stop; whoever still waits is told that the outcome is unknown."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._link.close()

    def check(self, body_bytes: int) -> None:
        """Raise what `submit` would, before a body is encoded that there is no room for."""
        if self._away is not None:
            raise refusal(self._away)
        self._link.room.check()
        self._backlog.check_room(body_bytes)

    def submit(
        self, batch: Batch, project_id: bytes, hour: int, body_bytes: int
    ) -> Future[AckLevel]:
        """Queue a batch; the future gives the level at which it is stored.

        Raises Overloaded or StreamRefused at once; the future raises OutcomeUnknown, ShardMissing
        or StreamRefused. `hour` is the unix hour in which the request was received; `body_bytes`
        is what its body holds in memory until the answer.
        """
        self.check(0)
        answer: Future[AckLevel] = asyncio.get_running_loop().create_future()
        self._backlog.add(Waiting(batch, project_id, hour, body_bytes, answer))
        self._filled.set()
        return answer

    def retry_after_s(self) -> float:
        """Tell a refused client when to come back."""
        return max(self._backlog.retry_after_s(), self._link.room.retry_after_s())

    def _show(self) -> None:
        metrics.QUEUED_BYTES.ask(lambda: {(): self._backlog.held_bytes})
        metrics.QUEUED_LIMIT_BYTES.set(self._backlog.max_bytes)
        metrics.ACK_FSYNC.ask(lambda: {(): float(self.level is AckLevel.FSYNC)})
        metrics.BACK_PRESSURE.ask(lambda: {(code,): float(code == self._code) for code in CODES})

    @property
    def _code(self) -> str | None:
        refused = self.refusal if self._away is None else refusal(self._away)
        return None if refused is None else refused.code

    async def _run(self) -> None:
        ticker = asyncio.create_task(self._tick(), name="appender's tick")
        try:
            while True:
                await self._connected()
                await self._filled.wait()
                self._filled.clear()
                taken = self._backlog.take(self._policy.group_bytes)
                await self._append(taken)
                if taken:
                    await self._leave_core()
                if self._backlog:
                    self._filled.set()
        finally:
            ticker.cancel()
            self._rest.close()
            self._refuse_waiting(StreamRefused("draining", "the worker ended"))

    async def _append(self, taken: list[Waiting]) -> None:
        started = time.perf_counter()
        for one in taken:
            _wait.observe(started - one.since)
        try:
            transactions = self._grouper.form(taken)
            error = await deliver(self._link, transactions, self._policy.resend_s)
            if error is not None and not self._link.is_open:
                self._go_away(error)
            elif taken:
                self._record(taken, transactions, time.perf_counter() - started)
        except Exception:  # noqa: BLE001 - the outermost loop: one group must not end all others
            log.get(__name__).exception("a group failed", requests=len(taken))
        finally:
            _refuse(taken, OutcomeUnknown("the worker ended or failed"))
            self._backlog.release(taken)

    async def _leave_core(self) -> None:
        """Hold up the whole event loop on a busy machine, so that batches gather for a group.

        Not when enough wait already: they would only wait longer.
        """
        if seconds := self._rest.due_s():
            for _ in range(ANSWER_TURNS):
                await asyncio.sleep(0)
            if len(self._backlog) < ENOUGH:
                time.sleep(seconds)  # noqa: ASYNC251 - nothing is to wake this thread

    async def _tick(self) -> None:
        """Wake an idle appender, so that it looks at the server and notices a dead one."""
        while True:
            await asyncio.sleep(self._link.room.look_again_s)
            self._filled.set()

    async def _connected(self) -> None:
        """Return with an open link, however long that takes; refuse batches meanwhile."""
        backoff = Backoff(self._policy.resend_s)
        while not self._link.is_open:
            try:
                await self._link.open(CONNECT_TIMEOUT_S)
            except CANNOT_SEND as error:
                if backoff.is_over():
                    self._go_away(error)
                await backoff.sleep()
        if self._away is not None:
            self._away = None
            log.get(__name__).info("connected to the stream", ack=str(self.level))

    def _go_away(self, error: IngestError) -> None:
        if self._away is None or type(error) is not type(self._away):
            log.get(__name__).error("the stream can't be reached", reason=str(error))
        self._away = error
        self._refuse_waiting(refusal(error))

    def _refuse_waiting(self, error: IngestError) -> None:
        waiting = self._backlog.take_all()
        _refuse(waiting, error)
        self._backlog.release(waiting)

    def _record(
        self, batches: list[Waiting], transactions: list[Transaction], seconds: float
    ) -> None:
        self._backlog.drained(sum(one.cost for one in batches), seconds)
        _append.observe(seconds)
        _requests.observe(len(batches))
        _entries.observe(sum(one.entries for one in transactions))


def _refuse(batches: list[Waiting], error: IngestError) -> None:
    for one in batches:
        if not one.answer.done():
            one.answer.set_exception(error)
