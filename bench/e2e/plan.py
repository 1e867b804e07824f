"""How long and how often: the quick plan that fits in three minutes, and the full one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Policy of a session; the systems take turns within each repeat."""

    name: str
    repeats: int
    #: Of the crash test, the singles, and each rate of the realistic profile.
    load_s: float
    warmup_s: float
    #: In a short crash test the baseline answers little but its first requests.
    crash_warmup_s: float
    #: Requests a second of the realistic profile, open loop.
    realistic_rates: tuple[int, ...]
    #: Events that wait when the consumer starts; the baseline's stream holds 100,000.
    drain_events: tuple[int, ...]
    #: The search for the sustained rate: short windows to find it, a long one to confirm it.
    search_s: float
    confirm_s: float
    #: How close the search comes.
    precision: float
    limit_rows: int
    soak_s: float = 0.0
    #: So much that the first checkpoint is over at a fifth of ten minutes, as all later ones count.
    soak_batches_s: float = 250.0


QUICK = Plan(
    name="quick",
    repeats=1,
    load_s=5.0,
    warmup_s=1.0,
    crash_warmup_s=0.0,
    realistic_rates=(200,),
    drain_events=(100_000,),
    search_s=0.0,
    confirm_s=5.0,
    precision=0.05,
    limit_rows=200_000,
)
FULL = Plan(
    name="full",
    repeats=3,
    load_s=60.0,
    warmup_s=5.0,
    crash_warmup_s=5.0,
    realistic_rates=(200, 500),
    drain_events=(100_000, 1_000_000),
    search_s=12.0,
    confirm_s=60.0,
    precision=0.05,
    limit_rows=1_000_000,
)
