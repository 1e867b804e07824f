"""Rates and quantiles between two samples, restarts and silent processes included."""

from __future__ import annotations

import math
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest.admin.deltas import Deltas, quantiles
from ingest.admin.figures import Count, Quantiles
from ingest.tally import Histogram, Tally

from tests.unit.admin.samples import process, sample

BOUNDS = (0.001, 0.01, 0.1, 1.0)


def tally(count: int) -> Tally:
    made = Tally("a_total", "", "", "code")
    made.counts["x",] = count
    return made


def test_a_rate_is_over_the_time_between() -> None:
    old = sample(0, {"w": process(tally(10)), "v": process(tally(1))})
    new = sample(4, {"w": process(tally(30)), "v": process(tally(5))})
    assert Deltas(new, old).count(tally(0)) == Count(35, 6.0)
    assert Deltas(new, old).counts(tally(0), lambda labels: labels[0]) == {"x": Count(35, 6.0)}


def test_an_increase_is_exact_and_counts_a_new_process_from_nothing() -> None:
    old = sample(0, {"w": process(tally(10)), "v": process(tally(100), pid=1)})
    again = process(tally(4), pid=2, started=old.at + 1)
    new = sample(7, {"w": process(tally(30)), "v": again})
    assert Deltas(new, old).increase(tally(0)) == 24


def test_without_an_older_sample_there_is_no_rate() -> None:
    assert Deltas(sample(0, {"w": process(tally(3))}), None).count(tally(0)) == Count(3, None)


def test_a_process_that_was_started_again_counts_from_nothing() -> None:
    old = sample(0, {"w": process(tally(100), pid=1)})
    new = sample(2, {"w": process(tally(4), pid=2, started=old.at + 1)})
    assert Deltas(new, old).count(tally(0)) == Count(4, 2.0)


def test_a_process_that_was_silent_makes_no_jump() -> None:
    """What it counted before it was asked again did not happen in between."""
    old = sample(0, {"w": None})
    new = sample(2, {"w": process(tally(1000), started=old.at - 500)})
    assert Deltas(new, old).count(tally(0)) == Count(1000, 0.0)
    assert Deltas(sample(4, {"w": None}), new).count(tally(0)) == Count(0, 0.0)


def test_a_spread_is_of_what_came_in_between() -> None:
    before, after = (Histogram("h", "s", "", bounds=BOUNDS) for _ in range(2))
    for histogram in (before, after):
        histogram.of().observe_many(0.5, 100)
    after.of().observe_many(0.005, 10)
    old, new = sample(0, {"w": process(before)}), sample(1, {"w": process(after)})
    found = Deltas(new, old).spread(after)
    assert found.recent.count == 10
    assert found.recent.p99 is not None
    assert 0.001 < found.recent.p99 <= 0.01
    assert found.since_start.count == 110
    assert found.since_start.p50 is not None
    assert found.since_start.p50 > 0.1


def test_no_values_have_no_quantiles() -> None:
    assert quantiles(BOUNDS, [0] * 5) == Quantiles(0, None, None, None)


@given(st.lists(st.floats(0.0001, 0.999), min_size=1, max_size=200))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values: list[float]) -> None:
    counts = [0] * 5
    for value in values:
        counts[bisect_left(BOUNDS, value)] += 1
    found = quantiles(BOUNDS, counts)
    for share, estimate in ((0.5, found.p50), (0.95, found.p95), (0.99, found.p99)):
        true = sorted(values)[math.ceil(share * len(values)) - 1]
        assert estimate is not None
        bucket = bisect_left(BOUNDS, true)
        assert (0.0, *BOUNDS)[bucket] - 1e-7 <= estimate <= BOUNDS[bucket] + 1e-7


def test_above_the_last_bound_that_bound_is_told() -> None:
    assert quantiles(BOUNDS, [0, 0, 0, 0, 3]).p99 == pytest.approx(1.0)
