"""The batches that wait in a worker for the stream: first in, first out, bounded in bytes.

The bound counts what waits and what is in flight. Above it a batch is refused at once, with the
time that the present backlog takes to drain.
"""

from __future__ import annotations

import random
import time
from collections import deque
from typing import TYPE_CHECKING

from ingest.errors import Overloaded

if TYPE_CHECKING:
    from asyncio import Future

    from ingest._native import Batch
    from ingest.stream.durability import AckLevel

# What a waiting request holds besides its tuples, and its body, which the HTTP library keeps until
# the answer: futures, headers, the ready answer.
OVERHEAD_BYTES = 2048
MIN_RETRY_S, MAX_RETRY_S = 1.0, 30.0
# The drain rate is a moving average over about the last 16 groups.
_WEIGHT = 1 / 16


class Waiting:
    """One request's batch and the future that its handler awaits."""

    __slots__ = ("answer", "batch", "cost", "hour", "project_id", "since")

    def __init__(
        self, batch: Batch, project_id: bytes, hour: int, body_bytes: int, answer: Future[AckLevel]
    ) -> None:
        self.batch = batch
        self.project_id = project_id
        self.hour = hour
        self.answer = answer
        self.since = time.perf_counter()
        self.cost = batch.nbytes + body_bytes + OVERHEAD_BYTES


class Backlog:
    """What waits and how many bytes are held; used from one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._waiting: deque[Waiting] = deque()
        self._bytes_per_s = 0.0
        self.held_bytes = 0

    def __len__(self) -> int:
        """Count the batches that wait; those in flight are not among them."""
        return len(self._waiting)

    def check_room(self, nbytes: int) -> None:
        """Raise Overloaded when so many bytes more would pass the bound."""
        if self.held_bytes and self.held_bytes + nbytes > self.max_bytes:
            raise Overloaded(
                f"{self.held_bytes} bytes wait in this worker already", self.retry_after_s()
            )

    def add(self, waiting: Waiting) -> None:
        """Put a batch at the end; Overloaded when the bound would be passed."""
        self.check_room(waiting.cost)
        self._waiting.append(waiting)
        self.held_bytes += waiting.cost

    def take(self, max_bytes: int) -> list[Waiting]:
        """Take the longest waiting, at least one and up to `max_bytes`; empty when none waits."""
        taken: list[Waiting] = []
        room = max_bytes
        while self._waiting and (not taken or self._waiting[0].cost <= room):
            waiting = self._waiting.popleft()
            room -= waiting.cost
            taken.append(waiting)
        return taken

    def take_all(self) -> list[Waiting]:
        """Take everything that waits, to be refused."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def release(self, answered: list[Waiting]) -> None:
        """Count batches out that have their answer, whatever it is."""
        self.held_bytes -= sum(waiting.cost for waiting in answered)

    def drained(self, nbytes: int, seconds: float) -> None:
        """Learn from a group that was stored how fast the stream takes bytes."""
        rate = nbytes / max(seconds, 1e-6)
        self._bytes_per_s += (rate - self._bytes_per_s) * (_WEIGHT if self._bytes_per_s else 1)

    def retry_after_s(self) -> float:
        """Tell when the present backlog will be gone, with jitter so that clients spread."""
        seconds = self.held_bytes / self._bytes_per_s if self._bytes_per_s else MIN_RETRY_S
        return min(max(seconds, MIN_RETRY_S), MAX_RETRY_S) * random.uniform(1, 1.5)  # noqa: S311
