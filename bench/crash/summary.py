"""What is told of a leg besides the table, as lines of a name and a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.crash import table
from bench.crash.verify import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bench.crash.experiment import Outcome
    from bench.crash.trial import Noted


def facts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Give the counts; what is wrong comes first."""
    verdict, answers, course = outcome.verdict, outcome.answers, outcome.course
    if course.failure:
        yield "failed", course.failure
    yield from ((f"step {n.step.number} late", _late(n)) for n in course.noted if n.is_late)
    yield from ((kind, f"{verdict.counts[kind]:,}") for kind in Kind)
    yield "events acknowledged", f"{verdict.acknowledged:,}"
    yield "rows in the table", f"{verdict.stored:,}"
    yield "of them with an unknown outcome", f"{verdict.unknown_stored:,}"
    yield "events rejected with a reason", f"{verdict.rejected:,}"
    yield "attempts of requests", f"{answers.attempts:,}"
    yield "slowest answer", f"{answers.slowest_s:.1f} s"
    yield "acknowledged at", _counts(answers.acks.most_common())
    yield "not accepted", _counts(answers.reasons.most_common())
    yield "ledger", _counts(outcome.totals.items())
    yield "ledger lines that differ", str(len(outcome.unequal)) + _differences(outcome)
    yield "ingest audit", outcome.audit
    yield "errors in logs", _counts(outcome.ugly.most_common()) or "none"
    yield "duration", f"{course.ended_at - course.began_at:.0f} s"


def text(outcomes: Sequence[Outcome]) -> str:
    """Lay everything out for a terminal."""
    parts = []
    for outcome in outcomes:
        parts.append(f"\n== {outcome.leg.ground.value}")
        parts += (f"{name:>34}  {value}" for name, value in facts(outcome))
        parts += (f"{one.kind:>34}  {one.what}" for one in outcome.verdict.findings[:20])
    parts += ("\nnot done: " + one for one in table.skipped(outcomes))
    parts += ("\nnoticed by clients: " + one for one in table.noticed(outcomes))
    parts += ("", table.text(table.lines(outcomes)))
    return "\n".join(parts)


def _late(noted: Noted) -> str:
    told = noted.failure or f"{noted.recovery_s:.1f} s of {noted.limit_s:.0f} s"
    return f"{noted.step.label}: {told}"


def _counts(pairs: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in pairs)


def _differences(outcome: Outcome) -> str:
    return "".join(f"; {line.project} {line.hour}: {by:+,}" for line, by in outcome.unequal.items())
