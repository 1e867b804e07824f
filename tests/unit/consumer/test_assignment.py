"""A shard that was lost and comes back is another tenure."""

from __future__ import annotations

from ingest.consumer.assignment import Assignment
from ingest.consumer.position import Position

AT = Position("5-0", "run")
LATER = Position("9-0", "run")


def test_what_comes_and_goes_is_told() -> None:
    assignment = Assignment()
    assert assignment.sync({0: AT, 1: AT}) == ([0, 1], [])
    assert assignment.sync({1: LATER, 2: AT}) == ([2], [0])
    assert [tenure.shard for tenure in assignment.tenures()] == [1, 2]


def test_a_tenure_goes_on_while_the_shard_is_owned() -> None:
    assignment = Assignment()
    assignment.sync({0: AT})
    (tenure,) = assignment.tenures()
    assignment.sync({0: LATER})
    assert assignment.holds(tenure)
    assert tenure.start == AT


def test_a_lost_shard_comes_back_as_another_tenure() -> None:
    assignment = Assignment()
    assignment.sync({0: AT})
    (old,) = assignment.tenures()
    assignment.drop(old)
    assignment.sync({0: LATER})
    (new,) = assignment.tenures()
    assert not assignment.holds(old)
    assert (new.start, new.committed) == (LATER, "9-0")
    assignment.drop(old)
    assert assignment.holds(new)
