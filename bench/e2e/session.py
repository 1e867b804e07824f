"""A session: systems take turns, each started from nothing; every outcome is on disk at once."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bench.baseline.system import Baseline
from bench.e2e import scenarios
from bench.e2e.scenarios import Bench
from bench.limits import copy, disk, edge, stream
from bench.machine import Busy, describe
from bench.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from bench.e2e.plan import Plan
    from bench.e2e.trial import Outcome
    from bench.system import System

PRODUCT, PLAIN, BASELINE = "ingest", "ingest-none", "baseline"
#: Where the search for the sustained rate begins; without a search, the rate that is checked.
FIRST_EVENTS_S = {PRODUCT: 100_000.0, PLAIN: 100_000.0, BASELINE: 5_000.0}
#: The baseline's stream forgets what is beyond.
BASELINE_HOLDS = 100_000
EDGE_LIMIT_S = 5.0

Step = tuple[str, "Callable[[Bench], Outcome]"]


@dataclass(frozen=True)
class Choice:
    """What to run; empty means all."""

    systems: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Tell whether a scenario was chosen, by the beginning of its name."""
        return not self.scenarios or name.startswith(self.scenarios)


@dataclass
class Session:
    """Runs a plan and keeps its result file."""

    plan: Plan
    choice: Choice
    directory: Path
    out: Path
    tell: Callable[[str], None]
    outcomes: list[Outcome] = field(default_factory=list)
    limits: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> None:
        """Run all repeats; the order of the systems turns round each time."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self._about = describe({"plan": asdict(self.plan), "choice": asdict(self.choice)})
        scenarios.prepare(self.directory)
        for repeat in range(self.plan.repeats):
            if self.choice.has("limits"):
                self._measure_limits(repeat)
            names = self._systems()
            for name in names if repeat % 2 == 0 else reversed(names):
                self._run_system(name, repeat)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _systems(self) -> list[str]:
        known = [BASELINE, PRODUCT] if self.plan.repeats == 1 else [BASELINE, PRODUCT, PLAIN]
        return [name for name in known if not self.choice.systems or name in self.choice.systems]

    def _make(self, name: str) -> System:
        if name == BASELINE:
            return Baseline(self.directory / name)
        codec = {"entry_codec": "none"} if name == PLAIN else {}
        return Product(self.directory / name, name, **codec)

    def _run_system(self, name: str, repeat: int) -> None:
        system = self._make(name)
        steps = [step for step in self._steps(name) if self.choice.has(step[0])]
        if not steps:
            return
        try:
            self.tell(f"{name}: starting")
            system.start()
            for title, scenario in steps:
                began = time.monotonic()
                outcome = scenario(Bench(system, self.plan, self.directory))
                self._keep(outcome, repeat)
                self.tell(f"{name}: {title} took {time.monotonic() - began:.0f} s{_shown(outcome)}")
        finally:
            system.stop()
            shutil.rmtree(self.directory / name, ignore_errors=True)

    def _steps(self, name: str) -> Iterator[Step]:
        yield "sustained", lambda bench: scenarios.sustained(bench, FIRST_EVENTS_S[name])
        if name != PLAIN:
            yield "singles", scenarios.singles
            for rate in self.plan.realistic_rates:
                yield f"realistic-{rate}", lambda bench, rate=rate: scenarios.realistic(bench, rate)
            yield "crash", scenarios.crash
        for events in self.plan.drain_events:
            if name != BASELINE or events <= BASELINE_HOLDS:
                yield f"drain-{events}", lambda bench, n=events: scenarios.drain(bench, n)
        if self.plan.soak_s and name == PRODUCT:
            yield "soak", scenarios.soak

    def _measure_limits(self, repeat: int) -> None:
        self.tell("limits: disk, COPY, XADD, empty handlers behind the edge")
        rows, before = self.plan.limit_rows, Busy.now()
        loads = {"single": "singles.bodies", "batch": "stress.bodies"}
        paths = {kind: self.directory / name for kind, name in loads.items()}
        found: dict[str, Mapping[str, float]] = {
            "disk": disk.measure(self.directory),
            "copy": copy.measure(self.directory / "limit-copy", rows),
            "stream": stream.measure(self.directory / "limit-stream", rows),
            "edge": edge.measure(self.directory, paths, min(EDGE_LIMIT_S, self.plan.load_s / 2)),
        }
        self.limits.append({"repeat": repeat, **found, "machine": Busy.now().since(before)})
        self._write()

    def _keep(self, outcome: Outcome, repeat: int) -> None:
        self.outcomes.append(outcome)
        self._repeats.append(repeat)
        self._write()

    def _write(self) -> None:
        """Replace the file in one step: a session that is ended keeps what it has."""
        outcomes = [
            outcome.as_dict() | {"repeat": repeat}
            for outcome, repeat in zip(self.outcomes, self._repeats, strict=True)
        ]
        result = {"about": self._about, "limits": self.limits, "outcomes": outcomes}
        draft = self.out.with_suffix(".new")
        draft.write_text(json.dumps(result), encoding="utf-8")
        draft.replace(self.out)

    def __post_init__(self) -> None:
        """Begin with nothing known."""
        self._about: dict[str, Any] = {}
        self._repeats: list[int] = []


def _shown(outcome: Outcome) -> str:
    figures = outcome.figures
    shown = {
        name: figures[name]
        for name in ("accepted_events_s", "stored_events_s", "requests_s", "p50_ms", "p99_ms")
    }
    text = "".join(f", {name} {value:,.4g}" for name, value in shown.items())
    return text if outcome.is_exact else f"{text}, NOT EXACT: {outcome.verified}"
