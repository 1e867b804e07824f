"""Back-off: doubles, is bounded, and forgives."""

from __future__ import annotations

from ingest.local.restarts import Policy, Restarts

POLICY = Policy(first_s=0.1, longest_s=1.0, settled_s=30.0)


def test_delays_double_up_to_the_longest() -> None:
    restarts = Restarts(POLICY)
    assert [restarts.delay_s(ran_s=1) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert restarts.count == 6


def test_a_settled_run_forgives_the_past() -> None:
    restarts = Restarts(POLICY)
    restarts.delay_s(ran_s=1)
    restarts.delay_s(ran_s=1)
    assert restarts.delay_s(ran_s=30) == 0.1


def test_a_thousand_failures_do_not_overflow() -> None:
    restarts = Restarts(POLICY)
    assert {restarts.delay_s(ran_s=0) for _ in range(2000)} == {0.1, 0.2, 0.4, 0.8, 1.0}
