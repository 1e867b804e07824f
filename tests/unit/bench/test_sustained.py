"""The search for the sustained rate, against systems that hold a known one."""

from __future__ import annotations

import pytest

from bench.e2e.sampling import Sample, slope
from bench.e2e.sustained import Window, growth, search


@pytest.mark.parametrize("held", [4_000.0, 7_300.0, 100_000.0, 183_000.0, 900_000.0])
def test_finds_the_rate_to_five_per_cent(held: float) -> None:
    asked: list[float] = []

    def holds(rate: float) -> bool:
        asked.append(rate)
        return rate <= held

    found = search(100_000.0, 0.05, holds)
    assert found <= held <= found * 1.051
    assert found in asked


def test_one_burst_does_not_decide() -> None:
    bursts = iter([True])
    found = search(1000.0, 0.05, lambda rate: rate <= 1000 and not next(bursts, False))
    assert 950 <= found <= 1000


def test_gives_nothing_when_nothing_holds() -> None:
    assert search(1000.0, 0.05, lambda _rate: False) == 0.0


def test_slope_of_a_line_and_of_nothing() -> None:
    assert slope([(x, 3.0 * x + 5) for x in range(10)]) == pytest.approx(3.0)
    assert slope([]) == 0.0
    assert slope([(1.0, 2.0)]) == 0.0


def test_growth_looks_at_the_window_alone() -> None:
    samples = [Sample(at, 1000 * int(at), 0 if at < 5 else 1000 * int(at), {}) for at in range(10)]
    assert growth(samples, 0, 4) == pytest.approx(1000)
    assert growth(samples, 5, 9) == pytest.approx(0)


@pytest.mark.parametrize(
    ("window", "is_sustained"),
    [
        (Window(100_000, 100_000, 2000, 12, 0), True),
        (Window(100_000, 100_000, 2200, 12, 0), False),
        (Window(100_000, 97_000, 0, 12, 0), False),
        (Window(100_000, 99_000, 1500, 12, 0), False),
        (Window(100_000, 100_000, 0, 12, 1), False),
        (Window(2400, 2400 - 400 / 12, 0, 12, 0), True),
    ],
)
def test_what_holds(window: Window, is_sustained: bool) -> None:
    assert window.is_sustained == is_sustained
