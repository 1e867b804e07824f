"""One trial's result, and what is wrong with it: a system that is wrong is not measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from bench.e2e.verify import Verified
    from bench.generator import Drive

#: Codes of problems that leave open what became of a request: the product's, and its edge's.
UNKNOWN = ("outcome_unknown", "worker_unreachable", "worker_timeout")


@dataclass(frozen=True)
class Answers:
    """What clients were told in all of a trial, warm-up and probes included."""

    #: Events of answers with 202.
    accepted: int
    #: Such answers that don't have an id for each event sent; all that are sent are valid.
    mismatched: int = 0
    #: Such answers that don't say that a fsync came before them, where the system promises it.
    unsynced: int = 0
    #: At most so many events were in requests without an answer, or with one that leaves the
    #: outcome open.
    unknown: int = 0
    #: Events that were refused though the load needs all of them.
    lacking: int = 0

    @classmethod
    def of(cls, drive: Drive, probed: int, *, needs_all: bool, promises_fsync: bool) -> Self:
        """Count the generator's answers, and so many probes that were accepted."""
        total = drive.total
        open_ended = (int(drive.raw["codes"].get(code, 0)) for code in UNKNOWN)
        return cls(
            accepted=drive.accepted_events + probed,
            mismatched=total["mismatched"],
            unsynced=total["accepted"] - total["synced"] if promises_fsync else 0,
            unknown=drive.raw["largest"] * (total["lost"] + sum(open_ended)),
            lacking=total["sent_events"] - total["events"] if needs_all else 0,
        )


@dataclass(frozen=True)
class Outcome:
    """What was measured, what clients were told, and what the table holds."""

    scenario: str
    system: str
    figures: dict[str, float]
    answers: Answers
    verified: Verified
    details: dict[str, Any] = field(repr=False)

    @property
    def fault(self) -> str:
        """Say what is wrong; empty when each accepted event is stored once and nothing else is."""
        told, found = self.answers, self.verified
        faults = (
            (not told.accepted, "nothing was accepted"),
            (told.lacking, f"{told.lacking:,} events of a fixed number were refused"),
            (told.mismatched, f"{told.mismatched:,} answers without an id for each event"),
            (told.unsynced, f"{told.unsynced:,} answers that promise no fsync"),
            (
                found.acknowledged != told.accepted,
                f"{told.accepted:,} events accepted, {found.acknowledged:,} ids known",
            ),
            (found.missing, f"{found.missing:,} acknowledged events are not in the table"),
            (found.doubled, f"{found.doubled:,} rows are doubled"),
            (found.reused, f"{found.reused:,} ids were given twice"),
            (
                found.unacknowledged > told.unknown,
                f"{found.unacknowledged:,} rows nobody was told of, where {told.unknown:,} may be",
            ),
        )
        return "; ".join(text for is_so, text in faults if is_so)

    def as_dict(self) -> dict[str, Any]:
        """Give it for a result file."""
        unacknowledged = {"unacknowledged": self.verified.unacknowledged}
        return asdict(self) | {"fault": self.fault} | unacknowledged
