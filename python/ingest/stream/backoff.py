"""The pauses between attempts: doubling, jittered, and aware of how long it has been tried."""

from __future__ import annotations

import asyncio
import random
import time

MIN_S, MAX_S = 0.02, 1.0


class Backoff:
    """One series of attempts; `patience_s` is how long the whole may take."""

    def __init__(self, patience_s: float) -> None:
        self._pause_s = MIN_S
        self._end = time.monotonic() + patience_s

    @property
    def left_s(self) -> float:
        """What is left of the patience; never less than one short attempt."""
        return max(self._end - time.monotonic(), MIN_S)

    def is_over(self) -> bool:
        """Whether no further attempt fits into the patience."""
        return time.monotonic() + self._pause_s >= self._end

    async def sleep(self) -> None:
        """Pause; workers that lost the same server come back spread in time."""
        await asyncio.sleep(self._pause_s * random.uniform(0.5, 1))  # noqa: S311
        self._pause_s = min(self._pause_s * 2, MAX_S)
