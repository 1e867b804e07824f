"""What a project may still send: buckets that fill with what it uses and leak at its plan's rate.

Pure: no IO and no clock. A project that was quiet may send a minute's worth at once and goes on at
the plan's rate. Each worker has buckets of its own, which are settled with those of all workers in
Valkey a few times a second. In between a worker admits a share of the plan on credit, and asks
first when that is used up; so all workers together admit at most TOLERANCE more than the plan.

    level     what all workers have used, as Valkey told it, leaking since
    sent      used here, on its way to Valkey
    pending   used here, not sent yet
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.plans import Plan

WINDOW_S = 60
# Smaller is more exact and asks more often: at most workers / TOLERANCE times a project and minute.
TOLERANCE = 0.05
# Levels travel with three digits.
EPSILON = 0.01


class Verdict(enum.Enum):
    """What a worker knows by itself."""

    ADMITTED = "admitted"
    ASK = "ask"  # charged already: whether it fits is known when Valkey has been told
    REFUSED = "refused"


class Bucket:
    """One unit, requests or events, of one project; a limit of 0 bounds nothing."""

    __slots__ = ("_at_s", "_leak_per_s", "_level", "_pending", "_sent", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._leak_per_s = limit / WINDOW_S
        self._level = self._at_s = 0.0
        self._sent = self._pending = 0

    def take(self, cost: int, now_s: float, workers: int) -> Verdict:
        """Charge a request unless it is known not to fit; `workers` share the plan."""
        if not self.limit:
            return Verdict.ADMITTED
        if self.used(now_s) + cost > self.limit + EPSILON:
            return Verdict.REFUSED
        self._pending += cost
        is_on_credit = (self._sent + self._pending) * workers <= self.limit * TOLERANCE
        return Verdict.ADMITTED if is_on_credit else Verdict.ASK

    def confirm(self, cost: int, now_s: float) -> bool:
        """Say whether what was charged fits, now that it is settled; otherwise it is taken back."""
        if self.used(now_s) <= self.limit + EPSILON:
            return True
        self.give_back(cost)
        return False

    def give_back(self, cost: int) -> None:
        """Take back what was charged for nothing."""
        self._pending -= cost if self.limit else 0

    def used(self, now_s: float) -> float:
        """Tell how full it is, as far as this worker knows."""
        level = self._level - (now_s - self._at_s) * self._leak_per_s
        unsettled = self._sent + self._pending
        return level + unsettled if level > 0 else unsettled

    def left(self, now_s: float) -> int:
        """Tell what may still be used at once."""
        return self.told(now_s)[0]

    def told(self, now_s: float) -> tuple[int, int]:
        """Tell what is left, and in how many seconds all of it is."""
        used = self.used(now_s)
        left = int(self.limit + EPSILON - used)
        return max(0, left), max(0, math.ceil(used / self._leak_per_s))

    def wait_s(self, cost: int, now_s: float) -> float:
        """Tell when this will fit."""
        return max(0.0, (self.used(now_s) + cost - self.limit) / self._leak_per_s)

    def send(self) -> int:
        """Give what is to be added to the level in Valkey."""
        self._sent, self._pending = self._pending, 0
        return self._sent if self.limit else 0

    def settle(self, level: float, now_s: float) -> None:
        """Take over what Valkey told in answer to what was sent."""
        self._level, self._at_s, self._sent = level, now_s, 0

    def settle_alone(self, now_s: float) -> None:
        """Go on by what this worker knows: Valkey did not tell."""
        self.settle(max(0.0, self.used(now_s) - self._pending), now_s)


class Allowance:
    """Both buckets of one project under one plan."""

    __slots__ = (
        *("_bounded", "_form", "events", "is_touched"),
        *("plan", "policy", "project_id", "requests"),
    )

    def __init__(self, project_id: bytes, plan: Plan) -> None:
        self.project_id = project_id
        self.plan = plan
        self.requests = Bucket(plan.requests_per_minute)
        self.events = Bucket(plan.events_per_minute)
        both = (("requests", self.requests, ""), ("events", self.events, ';qu="events"'))
        named = [one for one in both if one[1].limit]
        self.policy = ", ".join(
            f'"{name}";q={bucket.limit};w={WINDOW_S}{unit}' for name, bucket, unit in named
        )
        self._form = ", ".join(f'"{name}";r=%d;t=%d' for name, _, _ in named)
        self._bounded = [bucket for _, bucket, _ in named]
        self.is_touched = False

    def told(self, now_s: float) -> str:
        """Write what is left as the header RateLimit has it."""
        return self._form % tuple(
            [number for bucket in self._bounded for number in bucket.told(now_s)]
        )

    def is_idle(self, now_s: float) -> bool:
        """Say whether nothing is lost when it is forgotten."""
        return not self.is_touched and self.requests.used(now_s) == self.events.used(now_s) == 0
