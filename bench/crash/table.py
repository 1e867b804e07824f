"""The experiment's table: one line a kind of fault."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from bench.crash.verify import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.crash.experiment import Outcome
    from bench.crash.trial import Noted

HEADINGS = ("fault", "count", "recovery s", "max", "limit", "refused", "lost", "doubled", "late")
#: What is wrong in an answer shortly before a fault is put down to the fault.
BEFORE_S = 1.0


@dataclass(slots=True)
class Line:
    """What one kind of fault did. A step of two faults counts for both."""

    name: str
    recoveries: list[float] = field(default_factory=list)
    limit_s: float = 0.0
    refused: int = 0
    late: int = 0
    wrong: Counter[Kind] = field(default_factory=Counter)

    def cells(self) -> tuple[str, ...]:
        """Write it."""
        return (
            self.name,
            str(len(self.recoveries)),
            f"{median(self.recoveries):.1f}",
            f"{max(self.recoveries):.1f}",
            f"{self.limit_s:.0f}",
            str(self.refused),
            str(self.wrong[Kind.LOST]),
            str(self.wrong[Kind.DOUBLED]),
            str(self.late),
        )


def lines(outcomes: Iterable[Outcome]) -> list[Line]:
    """Sum up by kind of fault, in the order of their names."""
    by_name: dict[str, Line] = {}
    for outcome in outcomes:
        wrong = _wrong_by_step(outcome)
        for noted in outcome.course.noted:
            refused = outcome.answers.failures(noted.began_at, noted.well_at)
            for fault in noted.injected:
                line = by_name.setdefault(fault.name, Line(fault.name, limit_s=fault.limit_s))
                line.recoveries.append(noted.recovery_s)
                line.refused += refused
                line.late += noted.is_late
                line.wrong += wrong[noted.step.number]
    return [by_name[name] for name in sorted(by_name, key=str.lower)]


def text(found: list[Line]) -> str:
    """Lay the table out for a terminal."""
    table = [HEADINGS, *(line.cells() for line in found)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    )


def skipped(outcomes: Iterable[Outcome]) -> list[str]:
    """Tell what could not be done, with the reason."""
    return [
        f"step {noted.step.number}: {label}: {reason}"
        for outcome in outcomes
        for noted in outcome.course.noted
        for label, reason in noted.skipped.items()
    ]


def noticed(outcomes: Iterable[Outcome]) -> list[str]:
    """Tell of faults that no client should have noticed, and some did."""
    found = []
    for outcome in outcomes:
        for noted in outcome.course.noted:
            failures = outcome.answers.failures(noted.began_at, noted.well_at)
            if failures and _is_unnoticed(noted):
                found.append(f"step {noted.step.number}, {noted.step.label}: {failures} requests")
    return found


def _is_unnoticed(noted: Noted) -> bool:
    return bool(noted.injected) and all(fault.is_unnoticed for fault in noted.injected)


def _wrong_by_step(outcome: Outcome) -> dict[int, Counter[Kind]]:
    """Put each finding down to the last step that had begun by then."""
    found: defaultdict[int, Counter[Kind]] = defaultdict(Counter)
    for finding in outcome.verdict.findings:
        if finding.at is None:
            continue
        steps = [one for one in outcome.course.noted if one.began_at - BEFORE_S <= finding.at]
        if steps:
            found[steps[-1].step.number][finding.kind] += 1
    return found
