"""How fast a core works, as one number."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.machine import core_mb_s

if TYPE_CHECKING:
    from collections.abc import Iterator

SPINNERS = 3
SAMPLES = 60


def test_waiting_for_a_core_is_not_slowness() -> None:
    alone = _mean()
    with _one_core_for_all():
        began = time.perf_counter()
        shared = _mean()
        waited_s = time.perf_counter() - began
    # A core of which a neighbour has a half, too, works at six tenths.
    assert shared > 0.4 * alone
    assert waited_s > 2 * SAMPLES * (1 << 20) / 1e6 / shared


def _mean() -> float:
    return statistics.harmonic_mean([core_mb_s() for _ in range(SAMPLES)])


@contextmanager
def _one_core_for_all() -> Iterator[None]:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    spin = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    spinners = [subprocess.Popen(spin, stdout=subprocess.PIPE) for _ in range(SPINNERS)]
    try:
        for one in spinners:
            assert one.stdout is not None
            one.stdout.readline()
        yield
    finally:
        os.sched_setaffinity(0, allowed)
        for one in spinners:
            one.kill()
            one.communicate()
