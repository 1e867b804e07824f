"""When a process that ended is started again: at once the first time, then ever later."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """Delays double from `first_s` up to `longest_s`; a run of `settled_s` forgives the past."""

    first_s: float = 0.1
    longest_s: float = 10.0
    settled_s: float = 30.0


class Restarts:
    """What one process has done so far; `count` is told to operators."""

    def __init__(self, policy: Policy) -> None:
        """Begin with a clean record."""
        self.count = 0
        self._policy = policy
        self._failures = 0

    def delay_s(self, ran_s: float) -> float:
        """Count an end after `ran_s` seconds and say how long to wait."""
        self.count += 1
        if ran_s >= self._policy.settled_s:
            self._failures = 0
        delay = self._policy.first_s * 2.0 ** min(self._failures, 32)
        self._failures += 1
        return min(delay, self._policy.longest_s)
