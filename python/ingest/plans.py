"""Plans: how many requests and events a project may send in a minute, over all workers.

The built-in ones have the reference service's requests, and a hundred events for each of them. The
operator's own are in the settings; one of the same name takes a built-in one's place.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MOST = 10**9
UNLIMITED = 0
DEFAULT = "free"


class Plan(BaseModel):
    """One plan; 0 bounds nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: int = Field(default=UNLIMITED, ge=0, le=MOST)
    events_per_minute: int = Field(default=UNLIMITED, ge=0, le=MOST)

    @property
    def is_unlimited(self) -> bool:
        """Whether it bounds nothing at all."""
        return self.requests_per_minute == self.events_per_minute == UNLIMITED


BUILT_IN = {
    "free": Plan(requests_per_minute=100, events_per_minute=10_000),
    "pro": Plan(requests_per_minute=1_000, events_per_minute=100_000),
    "enterprise": Plan(requests_per_minute=10_000, events_per_minute=1_000_000),
    "unlimited": Plan(),
}
