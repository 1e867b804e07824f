"""One leg of the experiment: a stack under load, its faults, and the comparison in the end."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from ingest.balance import Verdict

from bench.crash import answers, disk, history, journal, progress, trial, verify
from bench.crash.load import Load
from bench.crash.marker import PROPERTY
from bench.crash.recovery import Probe
from bench.crash.samples import Sampler
from bench.crash.servers import Servers
from bench.crash.stack import Late, Stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.crash.answers import Answers
    from bench.crash.plan import Step
    from bench.crash.progress import Line
    from bench.crash.samples import Sample
    from bench.crash.trial import Noted

JOURNALS = "journals"
VALKEY = "servers/valkey"
#: Words in a log that no fault excuses.
UGLY = re.compile(r"Traceback|panicked|segfault|\"level\": ?\"critical\"|PANIC:|a handler failed")


class Ground(Enum):
    """What a stack stands on."""

    OWN = "servers of its own"
    LINKED = "servers behind links"
    SMALL_DISK = "a small disk for the stream"


@dataclass(frozen=True)
class Leg:
    """What is done to one stack."""

    steps: list[Step]
    ground: Ground
    seed: int
    events_s: float


@dataclass
class Course:
    """How a leg went, before anything is compared."""

    began_at: float
    ended_at: float = 0.0
    noted: list[Noted] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    failure: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a leg."""

    leg: Leg
    course: Course
    answers: Answers
    verdict: verify.Verdict
    unequal: dict[Line, int]
    totals: dict[str, int]
    audit: str
    ugly: Counter[str]

    @property
    def is_audited(self) -> bool:
        """Whether the product's own audit agrees; a replaced Valkey took its counters along."""
        allowed = {Verdict.EXACT, Verdict.UNWITNESSED}
        is_lost = self.leg.ground is Ground.LINKED
        return self.audit in (allowed if is_lost else {Verdict.EXACT})

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        wrong = self.unequal, self.course.failure, self.ugly, not self.is_audited
        is_late = any(noted.is_late for noted in self.course.noted)
        return self.verdict.is_clean and not any(wrong) and not is_late


def run(leg: Leg, home: Path, tell: Callable[[Noted], None]) -> Outcome:
    """Run a leg in an empty directory, which the servers' account can walk into."""
    (home / JOURNALS).mkdir()
    with ExitStack() as opened:
        if leg.ground is Ground.SMALL_DISK:
            opened.enter_context(disk.small(home / "data" / VALKEY))
        servers = opened.enter_context(Servers(home)) if leg.ground is Ground.LINKED else None
        stack = opened.enter_context(Stack(home, servers))
        course = _disturb(leg, stack, home / JOURNALS, tell)
        _revive(stack, course)
        return _compare(leg, course, stack, home)


def _disturb(leg: Leg, stack: Stack, journals: Path, tell: Callable[[Noted], None]) -> Course:
    course = Course(time.monotonic())

    def note(noted: Noted) -> None:
        course.noted.append(noted)
        tell(noted)

    with (
        Sampler(stack) as sampler,
        Probe(stack, journals, leg.seed, datetime.now(UTC)) as probe,
        Load(stack.url, stack.run.api_key, journals, leg.seed, leg.events_s) as load,
    ):
        stack.paused = load.paused
        try:
            probe.wait_well()
            trial.run(stack, probe, leg.steps, note)
            load.finish()
            probe.wait_well()
        except (Late, RuntimeError) as error:
            course.failure = str(error)
    course.samples = sampler.samples
    course.ended_at = time.monotonic()
    return course


def _revive(stack: Stack, course: Course) -> None:
    """Start a stack that has ended by itself once more, so that its rows can be compared."""
    code = stack.supervisor.poll()
    if code is not None:
        course.failure = f"`ingest up` ended with {code} by itself; {course.failure}"
        stack.start()


def _compare(leg: Leg, course: Course, stack: Stack, home: Path) -> Outcome:
    told = answers.summarize(journal.read(home / JOURNALS))
    histories = history.join(journal.read(home / JOURNALS))
    rows = (verify.Row(marker, event_id) for event_id, marker in progress.rows(stack, PROPERTY))
    verdict = verify.verify(histories, rows)
    for finding in told.findings:
        verdict.add(finding.kind, finding.what, finding.at)
    balance = progress.balance(stack, progress.shards(stack))
    totals = {name: getattr(balance, name).total() for name in balance.__slots__}
    audit = stack.audit()
    return Outcome(leg, course, told, verdict, balance.unequal(), totals, audit, _ugly(home))


def _ugly(home: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in [home / "up.log", *sorted((home / "data" / "log").glob("*.log*"))]:
        for line in path.read_text(errors="replace").splitlines():
            if UGLY.search(line):
                found[f"{path.name}: {_short(line)}"] += 1
    return found


def _short(line: str) -> str:
    try:
        told = json.loads(line)
    except ValueError:
        return line.strip()[:160]
    event = told.get("event", line) if isinstance(told, dict) else line
    last = (
        str(told.get("exception", "")).strip().splitlines()[-1:] if isinstance(told, dict) else []
    )
    return " ".join([str(event), *last])[:240]
