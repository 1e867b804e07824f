"""Compares what the clients know with the rows of the table. Pure: no server, no file, no clock.

A row that an acknowledgement names must be there once, under the id that was answered. A row of a
request whose outcome is unknown may be there, once. Every other row is one that nobody sent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from bench.crash.history import Key
from bench.crash.marker import Marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.crash.history import History

#: So many findings are kept to be shown; all are counted.
KEPT = 10_000


class Kind(StrEnum):
    """What can be wrong."""

    LOST = "lost"  # acknowledged and not in the table
    DOUBLED = "doubled"  # one event in two rows
    FOREIGN = "foreign"  # a row that nobody sent, or whose event was surely refused
    RENAMED = "renamed"  # stored under another id than the answer's
    CONTRADICTED = "contradicted"  # two answers to one request that do not agree
    UNREASONED = "unreasoned"  # refused without a reason code


class Row(NamedTuple):
    """What is read of a row: the event's marker (None without one) and its id."""

    marker: str | None
    event_id: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `at` is when the request was answered or sent, if that is known."""

    kind: Kind
    what: str
    at: float | None = None


@dataclass(slots=True)
class Verdict:
    """Counts of events, and what is wrong."""

    acknowledged: int = 0
    stored: int = 0
    unknown_stored: int = 0
    rejected: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.counts

    def add(self, kind: Kind, what: str, at: float | None = None) -> None:
        """Count a finding and keep the first ones."""
        self.counts[kind] += 1
        if len(self.findings) < KEPT:
            self.findings.append(Finding(kind, what, at))


def verify(histories: Mapping[Key, History], rows: Iterable[Row]) -> Verdict:
    """Compare; holds one byte an event besides what it is given."""
    verdict = Verdict()
    seen = {key: bytearray(history.events) for key, history in histories.items()}
    for row in rows:
        verdict.stored += 1
        _place(row, histories, seen, verdict)
    for key, history in histories.items():
        _settle(key, history, seen[key], verdict)
    return verdict


def _place(
    row: Row, histories: Mapping[Key, History], seen: dict[Key, bytearray], verdict: Verdict
) -> None:
    marker = Marker.parse(row.marker) if row.marker is not None else None
    history = histories.get(Key(marker.client, marker.request)) if marker is not None else None
    if marker is None or history is None or marker.event >= history.events:
        verdict.add(Kind.FOREIGN, f"row {row.event_id.hex()} with marker {row.marker}")
        return
    _match(row, marker, history, verdict)
    counts = seen[Key(marker.client, marker.request)]
    counts[marker.event] = min(counts[marker.event] + 1, 255)


def _match(row: Row, marker: Marker, history: History, verdict: Verdict) -> None:
    if not history.accepted:
        if history.may_be_stored:
            verdict.unknown_stored += 1
        else:
            verdict.add(Kind.FOREIGN, f"event {marker} of a refused request", history.sent_at)
        return
    answered = history.accepted[0]
    if marker.event in answered.rejected:
        verdict.add(Kind.FOREIGN, f"event {marker} was rejected", answered.at)
    elif history.id_of(marker.event) != row.event_id:
        verdict.add(Kind.RENAMED, f"event {marker} is row {row.event_id.hex()}", answered.at)


def _settle(key: Key, history: History, seen: bytearray, verdict: Verdict) -> None:
    for index, count in enumerate(seen):
        if count > 1:
            verdict.add(Kind.DOUBLED, f"event {Marker(*key, index)}: {count} rows", history.sent_at)
    if not history.accepted:
        return
    answered = history.accepted[0]
    verdict.rejected += len(answered.rejected)
    verdict.acknowledged += history.events - len(answered.rejected)
    if not history.is_consistent:
        verdict.add(Kind.CONTRADICTED, f"request {key.client}-{key.request}", answered.at)
    for index, count in enumerate(seen):
        if not count and index not in answered.rejected:
            verdict.add(Kind.LOST, f"event {Marker(*key, index)}", answered.at)
