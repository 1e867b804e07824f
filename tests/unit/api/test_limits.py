"""Buckets by themselves, under a clock that the test turns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest.api.limits import TOLERANCE, WINDOW_S, Allowance, Bucket, Verdict
from ingest.plans import Plan

LIMIT = 600
ALONE = 1


def fill(bucket: Bucket, now_s: float) -> int:
    """Take one by one what is admitted, settling with a server that only this worker uses."""
    level, taken = 0.0, 0
    while True:
        verdict = bucket.take(1, now_s, ALONE)
        if verdict is Verdict.REFUSED:
            return taken
        if verdict is Verdict.ASK:
            level += bucket.send()
            bucket.settle(level, now_s)
            if not bucket.confirm(1, now_s):
                return taken
        taken += 1


def test_a_minute_at_once_and_then_the_rate() -> None:
    bucket = Bucket(LIMIT)
    assert fill(bucket, 0.0) == LIMIT
    assert bucket.take(1, 0.05, ALONE) is Verdict.REFUSED
    assert bucket.wait_s(1, 0.0) == pytest.approx(0.1)
    assert bucket.take(1, 0.1, ALONE) is not Verdict.REFUSED
    assert bucket.take(1, 0.1, ALONE) is Verdict.REFUSED


def test_a_limit_of_nought_bounds_nothing() -> None:
    bucket = Bucket(0)
    assert all(bucket.take(1000, 0.0, 2) is Verdict.ADMITTED for _ in range(1000))
    bucket.give_back(1000)
    assert bucket.send() == 0


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_credit_is_a_share_of_the_tolerance(workers: int) -> None:
    bucket = Bucket(LIMIT)
    credit = int(LIMIT * TOLERANCE / workers)
    verdicts = [bucket.take(1, 0.0, workers) for _ in range(credit + 1)]
    assert verdicts == [Verdict.ADMITTED] * credit + [Verdict.ASK]


def test_a_small_plan_asks_always() -> None:
    assert Bucket(10).take(1, 0.0, ALONE) is Verdict.ASK


def test_all_or_none() -> None:
    bucket = Bucket(LIMIT)
    assert bucket.take(LIMIT + 1, 0.0, ALONE) is Verdict.REFUSED
    assert bucket.left(0.0) == LIMIT
    assert bucket.take(LIMIT, 0.0, ALONE) is Verdict.ASK
    bucket.settle(float(bucket.send()), 0.0)
    assert bucket.confirm(LIMIT, 0.0)
    assert bucket.left(0.0) == 0


def test_what_others_used_counts_once_it_is_told() -> None:
    bucket = Bucket(LIMIT)
    bucket.take(10, 0.0, ALONE)
    assert bucket.send() == 10
    assert bucket.used(0.0) == 10, "also on its way"
    bucket.settle(LIMIT - 5.0, 0.0)
    assert bucket.left(0.0) == 5
    assert bucket.take(6, 0.0, ALONE) is Verdict.REFUSED


def test_what_turns_out_too_much_is_taken_back() -> None:
    bucket = Bucket(LIMIT)
    assert bucket.take(100, 0.0, ALONE) is Verdict.ASK
    bucket.settle(LIMIT - 50.0 + bucket.send(), 0.0)
    assert not bucket.confirm(100, 0.0)
    assert bucket.left(0.0) == 50
    assert bucket.send() == -100, "the others are told"


def test_of_those_who_asked_together_as_many_as_fit_are_admitted() -> None:
    bucket = Bucket(LIMIT)
    assert {bucket.take(30, 0.0, 2) for _ in range(10)} == {Verdict.ASK}
    bucket.settle(LIMIT - 100.0 + bucket.send(), 0.0)
    assert [bucket.confirm(30, 0.0) for _ in range(10)].count(True) == 3


def test_alone_it_counts_what_it_knows_and_leaks() -> None:
    bucket = Bucket(LIMIT)
    bucket.take(LIMIT, 0.0, ALONE)
    bucket.send()
    bucket.settle_alone(0.0)
    assert bucket.take(1, 0.0, ALONE) is Verdict.REFUSED
    assert bucket.left(WINDOW_S / 2) == LIMIT / 2


def test_what_is_told_to_a_client() -> None:
    allowance = Allowance(bytes(16), Plan(requests_per_minute=100, events_per_minute=5000))
    assert allowance.policy == '"requests";q=100;w=60, "events";q=5000;w=60;qu="events"'
    assert allowance.told(0.0) == '"requests";r=100;t=0, "events";r=5000;t=0'
    allowance.requests.take(50, 0.0, ALONE)
    allowance.events.take(2500, 0.0, ALONE)
    assert allowance.told(0.0) == '"requests";r=50;t=30, "events";r=2500;t=30'
    assert not allowance.is_idle(0.0)
    one = Allowance(bytes(16), Plan(events_per_minute=5000))
    assert one.policy == '"events";q=5000;w=60;qu="events"'
    assert one.told(0.0) == '"events";r=5000;t=0'
    assert one.is_idle(0.0)


class Server:
    """What Valkey does for one bucket, slowly and plainly: the buckets' oracle."""

    def __init__(self) -> None:
        self.level, self.at_s = 0.0, 0.0

    def add(self, used: int, now_s: float) -> float:
        """Leak, add and tell."""
        leaked = max(0.0, self.level - (now_s - self.at_s) * LIMIT / WINDOW_S)
        self.level, self.at_s = max(0.0, leaked + used), now_s
        return self.level


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),  # worker
        st.integers(1, 200),  # requests at once
        st.integers(1, 10),  # cost of each
        st.floats(0, 1),  # seconds later
        st.booleans(),  # whether this worker's quarter of a second is over
    ),
    max_size=60,
)


@given(STEPS)
def test_workers_together_admit_at_most_the_tolerance_more(
    steps: list[tuple[int, int, int, float, bool]],
) -> None:
    server, buckets, now_s = Server(), [Bucket(LIMIT) for _ in range(4)], 0.0
    admitted: list[tuple[float, int]] = []
    for worker, count, cost, later_s, is_due in steps:
        now_s += later_s
        bucket = buckets[worker]
        for _ in range(count):
            verdict = bucket.take(cost, now_s, len(buckets))
            if verdict is Verdict.ASK:
                bucket.settle(server.add(bucket.send(), now_s), now_s)
            if verdict is Verdict.ADMITTED or (
                verdict is Verdict.ASK and bucket.confirm(cost, now_s)
            ):
                admitted.append((now_s, cost))
        if is_due:
            bucket.settle(server.add(bucket.send(), now_s), now_s)
    for index, (since_s, _) in enumerate(admitted):
        total = 0
        for at_s, cost in admitted[index:]:
            total += cost
            allowed = LIMIT * (1 + (at_s - since_s) / WINDOW_S)
            assert total <= allowed + LIMIT * TOLERANCE + 1
