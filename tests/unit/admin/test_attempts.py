"""Wrong secrets are bounded in time."""

from __future__ import annotations

from ingest.admin.attempts import MOST, WINDOW_S, Attempts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_after_many_failures_one_waits() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(MOST):
        assert attempts.wait_s() == 0
        attempts.fail()
        clock.now += 1
    assert attempts.wait_s() == WINDOW_S - MOST
    clock.now = WINDOW_S
    assert attempts.wait_s() == 0


def test_no_more_than_so_many_in_any_window() -> None:
    clock = Clock()
    attempts, tried = Attempts(clock), []
    while clock.now < 5 * WINDOW_S:
        if not attempts.wait_s():
            attempts.fail()
            tried.append(clock.now)
        clock.now += 0.5
    for at in tried:
        assert sum(at <= other < at + WINDOW_S for other in tried) <= MOST
