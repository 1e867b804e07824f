"""Staging is on for a while after a duplicate, for its kind alone."""

from __future__ import annotations

from ingest.store.staging import Staging


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


ONE, OTHER = b"1" * 16, b"2" * 16


def test_nobody_is_staged_at_first() -> None:
    assert Staging(60, Clock()).projects(is_named=True) == set()


def test_a_project_is_staged_for_the_time_and_longer_if_extended() -> None:
    clock = Clock()
    staging = Staging(60, clock)
    staging.extend(True, [ONE])
    clock.now += 59
    assert staging.projects(is_named=True) == {ONE}
    staging.extend(True, [ONE])
    clock.now += 59
    assert staging.projects(is_named=True) == {ONE}
    clock.now += 2
    assert staging.projects(is_named=True) == set()


def test_kinds_and_projects_do_not_affect_each_other() -> None:
    clock = Clock()
    staging = Staging(60, clock)
    staging.extend(False, [ONE])
    clock.now += 30
    staging.extend(True, [ONE, OTHER])
    assert staging.projects(is_named=False) == {ONE}
    clock.now += 40
    assert staging.projects(is_named=False) == set()
    assert staging.projects(is_named=True) == {ONE, OTHER}


def test_no_seconds_means_never() -> None:
    staging = Staging(0, Clock())
    staging.extend(True, [ONE])
    assert staging.projects(is_named=True) == set()
