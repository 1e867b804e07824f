"""What goes on during a trial: backlog, CPU, memory, the cores' speed. Looked at from a thread."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench import machine, usage

if TYPE_CHECKING:
    from bench.system import Watched

EVERY_S = 0.5
#: Page tables are walked for it: 10 ms with a gigabyte of shared buffers.
MEMORY_EVERY_S = 5.0


class NotSeenError(RuntimeError):
    """A part of the system failed while it was measured."""


@dataclass(frozen=True)
class Sample:
    """One look: events since the trial began, CPU seconds since the processes did."""

    at_s: float
    accepted: int
    settled: int
    cpu_s: dict[str, float]

    @property
    def backlog(self) -> int:
        """Events in the stream that are not settled."""
        return self.accepted - self.settled


class Sampler:
    """Looks until it is stopped; one thread, a few milliseconds a look."""

    def __init__(self, system: Watched) -> None:
        """Count from what the system has taken and settled now."""
        self.samples: list[Sample] = []
        self.memory: list[tuple[float, dict[str, usage.Memory]]] = []
        #: Of the core on which the thread happened to be.
        self.core_mb_s: list[float] = []
        self._system = system
        self._pids = system.pids()
        self._base = (system.accepted(), system.settled())
        self._began = time.monotonic()
        self._is_over = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._began = time.monotonic()
        self._thread.start()

    @property
    def is_looking(self) -> bool:
        """Tell whether its thread goes on."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End; once is enough."""
        self._is_over.set()
        if self.is_looking:
            self._thread.join()

    def finish(self) -> None:
        """End, and look a last time; NotSeenError when a part could not be looked at meanwhile."""
        self.stop()
        if self._failure is not None:
            raise NotSeenError(f"{self._system.name} can't be looked at: {self._failure}")
        self.look()
        self.core_mb_s.append(machine.core_mb_s())
        self._weigh()

    def look(self) -> Sample:
        """Take a sample now."""
        # Settled first: a backlog is never told too small.
        settled = self._system.settled() - self._base[1]
        accepted = self._system.accepted() - self._base[0]
        sample = Sample(self._elapsed_s(), accepted, settled, usage.cpu_s(self._pids))
        self.samples.append(sample)
        return sample

    def peaks(self) -> dict[str, dict[str, int]]:
        """Give each part's largest memory."""
        return {
            name: {
                kind: max(asdict(found[name])[kind] for _, found in self.memory if name in found)
                for kind in ("rss", "pss", "own")
            }
            for name in self._pids
        }

    def as_rows(self) -> list[dict[str, Any]]:
        """Give the samples for a result."""
        return [asdict(sample) | {"backlog": sample.backlog} for sample in self.samples]

    def _run(self) -> None:
        try:
            self._look_on()
        except Exception as failure:  # noqa: BLE001 - told by whoever waits for this thread
            self._failure = failure

    def _look_on(self) -> None:
        weighed_s = -MEMORY_EVERY_S
        while not self._is_over.wait(EVERY_S):
            self.look()
            self.core_mb_s.append(machine.core_mb_s())
            if self._elapsed_s() - weighed_s >= MEMORY_EVERY_S:
                weighed_s = self._elapsed_s()
                self._weigh()

    def _weigh(self) -> None:
        self.memory.append((self._elapsed_s(), usage.memory(self._pids)))

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began


def slope(points: list[tuple[float, float]]) -> float:
    """Give the least-squares slope of (x, y); 0 for fewer than two different x."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count if count else 0.0
    mean_y = sum(y for _, y in points) / count if count else 0.0
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
