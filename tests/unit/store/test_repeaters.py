"""A project is a repeater for a while after a duplicate, for its kind alone."""

from __future__ import annotations

from ingest.store.repeaters import Repeaters


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


ONE, OTHER = b"1" * 16, b"2" * 16


def test_nobody_is_one_at_first() -> None:
    assert Repeaters(60, Clock()).projects(is_named=True) == set()


def test_a_project_is_one_for_the_time_and_longer_if_extended() -> None:
    clock = Clock()
    repeaters = Repeaters(60, clock)
    repeaters.extend(True, [ONE])
    clock.now += 59
    assert repeaters.projects(is_named=True) == {ONE}
    repeaters.extend(True, [ONE])
    clock.now += 59
    assert repeaters.projects(is_named=True) == {ONE}
    clock.now += 2
    assert repeaters.projects(is_named=True) == set()


def test_kinds_and_projects_do_not_affect_each_other() -> None:
    clock = Clock()
    repeaters = Repeaters(60, clock)
    repeaters.extend(False, [ONE])
    clock.now += 30
    repeaters.extend(True, [ONE, OTHER])
    assert repeaters.projects(is_named=False) == {ONE}
    clock.now += 40
    assert repeaters.projects(is_named=False) == set()
    assert repeaters.projects(is_named=True) == {ONE, OTHER}


def test_no_seconds_means_never() -> None:
    repeaters = Repeaters(0, Clock())
    repeaters.extend(True, [ONE])
    assert repeaters.projects(is_named=True) == set()
