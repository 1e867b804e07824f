"""Compares what was accepted with what became of it. Pure: whoever calls has read both sides.

    accepted = stored + in the stream + dead-lettered + duplicates

for each shard, project and hour of receipt, so that no two errors make up for each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Counts the events of entries that can't be read: they name no project.
NO_PROJECT = bytes(16)
HOUR_MS = 3_600_000


class Verdict(StrEnum):
    """What the comparison of a shard says; the worst comes last."""

    EXACT = "exact"
    UNWITNESSED = "unwitnessed"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Line:
    """A project's events of an hour in one shard, by both sides."""

    project_id: bytes
    hour: int
    accepted: int = 0
    stored: int = 0
    in_stream: int = 0
    duplicates: int = 0
    dead: int = 0

    @property
    def accounted(self) -> int:
        """How many are known to be somewhere."""
        return self.stored + self.in_stream + self.duplicates + self.dead

    @property
    def missing(self) -> int:
        """How many were accepted and are nowhere; negative: nobody accepted them."""
        return self.accepted - self.accounted


@dataclass(frozen=True, slots=True)
class Balance:
    """One shard at one moment, at which everything up to the entry `upto` was counted.

    `since_ms`: before that, counters were lost together with the stream. `is_partial`: not all
    lines are here. `fault`: why the counters can't be trusted at all.
    """

    shard: int
    position: str
    upto: str
    lines: tuple[Line, ...]
    since_ms: int | None = None
    is_partial: bool = False
    fault: str = ""

    @property
    def unreadable(self) -> int:
        """Events in entries that can't be read, waiting or dead, by those entries' headers."""
        return sum(line.accounted for line in self._lines(is_project=False))

    @property
    def missing(self) -> int:
        """Events of projects that were accepted and are not to be found."""
        return sum(max(0, line.missing) for line in self._lines(is_project=True))

    @property
    def unwitnessed(self) -> int:
        """Events whose counters were lost: they are somewhere, and nobody can say of how many."""
        return sum(-line.missing for line in self._surplus() if self._is_before_loss(line))

    @property
    def unaccepted(self) -> int:
        """Events that are somewhere though nobody accepted them."""
        return sum(-line.missing for line in self._surplus() if not self._is_before_loss(line))

    @property
    def verdict(self) -> Verdict:
        """Say whether the equation comes out.

        Accepted events that are missing are exactly those of entries that can't be read; of some
        lines only, they are no more than those.
        """
        is_found = self.missing == self.unreadable
        if self.is_partial:
            is_found = self.missing <= self.unreadable
        if self.fault or self.unaccepted or not is_found:
            return Verdict.WRONG
        return Verdict.UNWITNESSED if self.unwitnessed else Verdict.EXACT

    def _lines(self, *, is_project: bool) -> list[Line]:
        return [line for line in self.lines if (line.project_id != NO_PROJECT) == is_project]

    def _surplus(self) -> list[Line]:
        return [line for line in self._lines(is_project=True) if line.missing < 0]

    def _is_before_loss(self, line: Line) -> bool:
        return self.since_ms is not None and line.hour <= self.since_ms // HOUR_MS
