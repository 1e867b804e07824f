"""What the answers say over time: accepted events by second, and attempts that failed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest._native import REJECT_CODES
from ingest.local.problems import PROBLEMS as EDGE_PROBLEMS
from ingest.problems import PROBLEMS

from bench.crash.journal import ID_BYTES, Answer, Outcome
from bench.crash.verify import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.crash.journal import Sent

#: Every reason that an answer may give.
CODES = frozenset(PROBLEMS) | {code for code, _ in REJECT_CODES} | {p.code for p in EDGE_PROBLEMS}
#: An answer that says nothing new: the client's own fault.
FINAL = frozenset({400, 401, 403, 404, 405, 411, 413, 415, 422})


@dataclass(slots=True)
class Answers:
    """A summary of all journals."""

    accepted: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    acks: Counter[str] = field(default_factory=Counter)
    failed_at: list[float] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    attempts: int = 0
    slowest_s: float = 0.0

    def failures(self, began: float, ended: float) -> int:
        """Count the attempts between two times that were not accepted although they could be."""
        return bisect_right(self.failed_at, ended) - bisect_left(self.failed_at, began)


def summarize(entries: Iterable[tuple[int, Sent | Answer]]) -> Answers:
    """Read all answers."""
    answers = Answers()
    for client, entry in entries:
        if isinstance(entry, Answer):
            _add(answers, client, entry)
    answers.failed_at.sort()
    return answers


def _add(answers: Answers, client: int, answer: Answer) -> None:
    answers.attempts += 1
    answers.slowest_s = max(answers.slowest_s, answer.took_s)
    answers.findings += _unreasoned(client, answer)
    if answer.outcome is Outcome.ACCEPTED:
        answers.accepted[int(answer.at)] += len(answer.ids) // ID_BYTES
        answers.acks[answer.ack] += 1
        return
    answers.reasons[_reason(answer)] += 1
    if answer.status not in FINAL:
        answers.failed_at.append(answer.at)


def _reason(answer: Answer) -> str:
    if answer.status:
        return f"{answer.status} {answer.code}"
    return f"{answer.outcome}: {answer.detail.partition(':')[0]}"


def _unreasoned(client: int, answer: Answer) -> Iterator[Finding]:
    if answer.status and answer.outcome is not Outcome.ACCEPTED and answer.code not in CODES:
        what = f"request {client}-{answer.request}: {answer.status} {answer.code} {answer.detail}"
        yield Finding(Kind.UNREASONED, what, answer.at)
    for index, code in answer.rejected.items():
        if code not in CODES:
            what = f"event {client}-{answer.request}-{index}: {code!r}"
            yield Finding(Kind.UNREASONED, what, answer.at)
