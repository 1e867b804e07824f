"""How fast a core works, as one number."""

from __future__ import annotations

import statistics
import time

from bench.machine import core_mb_s
from tests import one_core

SPINNERS = 3
SAMPLES = 60


def test_waiting_for_a_core_is_not_slowness() -> None:
    alone = _mean()
    with one_core.shared_with(SPINNERS):
        began = time.perf_counter()
        shared = _mean()
        waited_s = time.perf_counter() - began
    # A core of which a neighbour has a half, too, works at six tenths.
    assert shared > 0.4 * alone
    assert waited_s > 2 * SAMPLES * (1 << 20) / 1e6 / shared


def _mean() -> float:
    return statistics.harmonic_mean([core_mb_s() for _ in range(SAMPLES)])
