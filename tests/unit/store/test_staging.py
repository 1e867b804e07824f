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


def test_it_is_off_at_first() -> None:
    staging = Staging(60, Clock())
    assert not staging.is_on(is_named=True)
    assert not staging.is_on(is_named=False)


def test_it_stays_on_for_the_time_and_is_extended() -> None:
    clock = Clock()
    staging = Staging(60, clock)
    staging.extend(is_named=True)
    clock.now += 59
    assert staging.is_on(is_named=True)
    staging.extend(is_named=True)
    clock.now += 59
    assert staging.is_on(is_named=True)
    clock.now += 2
    assert not staging.is_on(is_named=True)


def test_kinds_do_not_affect_each_other() -> None:
    staging = Staging(60, Clock())
    staging.extend(is_named=False)
    assert staging.is_on(is_named=False)
    assert not staging.is_on(is_named=True)


def test_no_seconds_means_never() -> None:
    staging = Staging(0, Clock())
    staging.extend(is_named=True)
    assert not staging.is_on(is_named=True)
