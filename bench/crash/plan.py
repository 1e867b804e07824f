"""Which faults come when: drawn from the seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.crash.faults import clients, database, freeze, kill, network, stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.crash.faults.fault import Fault

#: On the servers that `ingest up` runs itself, and on servers of one's own behind links.
EMBEDDED: Sequence[type[Fault]] = (
    *(*kill.FAULTS, *freeze.FAULTS, *database.FAULTS, *stream.FAULTS, *clients.FAULTS),
)
LINKED: Sequence[type[Fault]] = (
    *(*network.FAULTS, *network.FAULTS, network.LongOutage),
    *(kill.KillWorker, kill.KillConsumer, kill.KillSupervisor, freeze.FreezeConsumer),
)
FILLED: Sequence[type[Fault]] = (stream.FullDisk, stream.FullDisk, kill.KillValkey)
#: So often a second fault comes before the first is over.
PAIRED = 0.25
PAIR_GAP_S = (0.0, 1.0)


@dataclass(frozen=True)
class Step:
    """One or two faults; `gap_s` lies between them."""

    number: int
    pause_s: float
    faults: tuple[Fault, ...]
    gap_s: float

    @property
    def label(self) -> str:
        """Describe it on one line."""
        return " + ".join(fault.label for fault in self.faults)

    @property
    def hold_s(self) -> float:
        """How long it lasts."""
        return max(fault.seconds for fault in self.faults)


@dataclass(frozen=True)
class Pace:
    """How long to wait before a step, and how long the longest may last."""

    pause_s: tuple[float, float]
    longest_s: float


def draw(kinds: Sequence[type[Fault]], count: int, seed: int, pace: Pace) -> list[Step]:
    """Draw steps with `count` faults in all; every kind comes before any comes again."""
    rng = random.Random(f"plan/{seed}")
    deck = _deck(kinds, rng)
    groups: list[tuple[Fault, ...]] = []
    while sum(map(len, groups)) < count:
        groups += _next(deck, rng)
    return [_step(number, group, rng, pace) for number, group in enumerate(groups, 1)]


def _next(deck: Iterator[Fault], rng: random.Random) -> list[tuple[Fault, ...]]:
    """Give one fault, or two together if both can bear it."""
    first = next(deck)
    if rng.random() >= PAIRED:
        return [(first,)]
    second = next(deck)
    return [(first,), (second,)] if first.is_alone or second.is_alone else [(first, second)]


def _step(number: int, faults: tuple[Fault, ...], rng: random.Random, pace: Pace) -> Step:
    pause, gap = rng.uniform(*pace.pause_s), rng.uniform(*PAIR_GAP_S)
    for fault in faults:
        fault.seconds = min(fault.seconds, pace.longest_s)
    return Step(number, round(pause, 2), faults, round(gap, 2) if len(faults) > 1 else 0.0)


def _deck(kinds: Sequence[type[Fault]], rng: random.Random) -> Iterator[Fault]:
    while True:
        for kind in rng.sample(kinds, len(kinds)):
            yield kind(random.Random(rng.getrandbits(64)))
