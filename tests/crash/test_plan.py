"""The plan depends on the seed alone and leaves no kind of fault out."""

from __future__ import annotations

import pytest

from bench.crash import plan
from bench.crash.faults.fault import Fault
from bench.crash.plan import Pace

PACE = Pace((0.5, 2.0), longest_s=3.0)


def labels(seed: int, count: int = 60) -> list[str]:
    return [step.label for step in plan.draw(plan.EMBEDDED, count, seed, PACE)]


def test_a_seed_gives_the_same_plan_again() -> None:
    assert labels(7) == labels(7)
    assert labels(7) != labels(8)


@pytest.mark.parametrize("kinds", [plan.EMBEDDED, plan.LINKED])
def test_every_kind_comes_before_any_comes_again(kinds: tuple[type[Fault], ...]) -> None:
    steps = plan.draw(kinds, len(kinds), 7, PACE)
    drawn = [type(fault) for step in steps for fault in step.faults]
    assert {*drawn[: len(kinds)]} == {*kinds}


def test_faults_that_must_be_alone_are_and_none_lasts_too_long() -> None:
    steps = plan.draw(plan.EMBEDDED, 200, 7, PACE)
    assert any(len(step.faults) == 2 for step in steps)
    for step in steps:
        assert len(step.faults) == 1 or not any(fault.is_alone for fault in step.faults)
        assert step.hold_s <= PACE.longest_s
        assert PACE.pause_s[0] <= step.pause_s <= PACE.pause_s[1]
