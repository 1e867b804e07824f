"""Only what is committed, and old enough, leaves the stream."""

from __future__ import annotations

from ingest.consumer.assignment import Tenure
from ingest.consumer.position import START, Position
from ingest.consumer.trim import Trimmer
from ingest.stream.read import Trim


def tenure(committed: str, shard: int = 0) -> Tenure:
    return Tenure(shard, Position(START, None), committed)


def test_nothing_before_the_first_commit() -> None:
    assert Trimmer(0).due([tenure(START)], 10**6) == []


def test_a_moving_shard_is_trimmed_coarsely_and_a_resting_one_exactly() -> None:
    trimmer = Trimmer(0)
    first = trimmer.due([tenure("5-1")], 10**6)
    assert first == [Trim(0, "5-1", is_exact=False)]
    trimmer.done(first)
    second = trimmer.due([tenure("5-1")], 10**6)
    assert second == [Trim(0, "5-1", is_exact=True)]
    trimmer.done(second)
    assert trimmer.due([tenure("5-1")], 10**6) == []
    assert trimmer.due([tenure("5-2")], 10**6) == [Trim(0, "5-2", is_exact=False)]


def test_a_trim_that_failed_is_due_again() -> None:
    trimmer = Trimmer(0)
    assert trimmer.due([tenure("5-1")], 1) == trimmer.due([tenure("5-1")], 1)


def test_entries_are_kept_for_a_while_if_wanted() -> None:
    trimmer = Trimmer(10)
    assert trimmer.due([tenure("50000-3")], 55_000) == [Trim(0, "45000-0", is_exact=False)]
    assert trimmer.due([tenure("50000-3")], 70_000) == [Trim(0, "50000-3", is_exact=False)]


def test_a_clock_far_ahead_trims_nothing_uncommitted() -> None:
    assert Trimmer(10).due([tenure("5-1")], 10**15) == [Trim(0, "5-1", is_exact=False)]
