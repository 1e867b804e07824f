"""Bounds how often a wrong secret may be tried at the login, by all callers together.

By all, since the admin process sees no address that it could trust: behind a proxy or a published
port every caller has the same one.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 10
WINDOW_S = 60.0


class Attempts:
    """After MOST failures within WINDOW_S nothing is tried until the first of them is past it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=MOST)

    def wait_s(self) -> int:
        """Give the whole seconds until another try; 0 when it may be now."""
        if len(self._failures) < MOST:
            return 0
        return max(0, math.ceil(self._failures[0] + WINDOW_S - self._clock()))

    def fail(self) -> None:
        """Count a wrong secret."""
        self._failures.append(self._clock())
