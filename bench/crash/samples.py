"""Samples the ledger's two sides while the experiment runs; a server that is away leaves a gap."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from ingest.errors import IngestError

from bench.crash import progress

if TYPE_CHECKING:
    from bench.crash.stack import Stack

EVERY_S = 1.0


class Sample(NamedTuple):
    """Events so far, at a time."""

    at: float
    accepted: int
    settled: int

    @property
    def lag(self) -> int:
        """Events that are accepted and wait."""
        return max(0, self.accepted - self.settled)


class Sampler(threading.Thread):
    """Samples until its context ends."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(name="sampler", daemon=True)
        self.samples: list[Sample] = []
        self._stack = stack
        self._shards = progress.shards(stack)
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self._is_over.set()
        self.join()

    def run(self) -> None:
        """Take a sample a second."""
        while not self._is_over.wait(EVERY_S):
            with suppress(*progress.AWAY, IngestError):
                self._take()

    def _take(self) -> None:
        # Accepted first: a lag may look larger than it is, never negative by much.
        found = progress.balance(self._stack, self._shards)
        settled = found.stored + found.duplicates + found.dead
        self.samples.append(Sample(time.monotonic(), found.accepted.total(), settled.total()))
