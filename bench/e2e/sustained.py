"""The sustained rate: the highest offered one at which the backlog does not grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.e2e.sampling import slope
from bench.workload import STRESS_BATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.e2e.sampling import Sample

#: What is owed may rise by this much of the rate within a window: the backlog swings by one
#: transaction, a fifth of a second. In 60 s that finds a lack of 0.4 %, in 12 s of 2 %.
MAX_RISE_S = 0.25
#: And by a request at either end of the window, which at low rates is more.
EDGES = 2 * STRESS_BATCH
FIRST_STEP = 1.25
#: From a rate that an earlier repeat found.
NEXT_STEP = 1.1
MAX_STEPS = 20


@dataclass(frozen=True)
class Window:
    """What was seen at one offered rate, in events a second."""

    offered: float
    accepted: float
    growth: float
    seconds: float
    turned_away: int

    @property
    def rise(self) -> float:
        """Count events that came to wait: in front of the workers, and in the stream."""
        return (self.offered - self.accepted + self.growth) * self.seconds

    @property
    def is_sustained(self) -> bool:
        """Tell whether nothing was turned away and what is owed stood still."""
        return not self.turned_away and self.rise <= MAX_RISE_S * self.offered + EDGES


def growth(samples: Sequence[Sample], begin_s: float, end_s: float) -> float:
    """Give how fast the backlog grew between two times, in events a second."""
    return slope(
        [(one.at_s, float(one.backlog)) for one in samples if begin_s <= one.at_s <= end_s]
    )


def search(
    first: float, precision: float, holds: Callable[[float], bool], step: float = FIRST_STEP
) -> float:
    """Find the highest rate that `holds`, to `precision`; 0 when none of twenty does.

    Steps of a quarter (or `step`) from the first guess, then halving. A rate that fails is tried
    once more: one burst of somebody else's work must not decide.
    """
    low, high, rate = 0.0, float("inf"), first
    for _ in range(MAX_STEPS):
        if holds(rate) or holds(rate):
            low = rate
        else:
            high = rate
        if high / low <= 1 + precision if low else False:
            break
        rate = _next(low, high, step)
    return low


def _next(low: float, high: float, step: float) -> float:
    if low == 0.0:
        return high / step
    if high == float("inf"):
        return low * step
    return (low + high) / 2
