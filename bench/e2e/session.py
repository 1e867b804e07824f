"""A session: systems take turns, each started from nothing; every outcome is on disk at once."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from bench import gate
from bench.baseline.system import Baseline
from bench.e2e import scenarios
from bench.e2e.places import remove
from bench.e2e.scenarios import Bench
from bench.e2e.sustained import FIRST_STEP, NEXT_STEP
from bench.limits import copy, disk, edge, stream
from bench.machine import Busy, describe
from bench.product import Product
from bench.report.figures import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from bench.e2e.outcome import Outcome
    from bench.e2e.plan import Plan
    from bench.gate import Ratio
    from bench.system import System

PRODUCT, PLAIN = "ingest", "ingest-none"
#: The second looks each request's key up in the database, as the reference does.
BASELINE, LOOKUP = "baseline", "baseline-lookup"
#: What the variants run of the scenarios; the others run all.
PARTS = {PLAIN: ("sustained", "crash", "drain"), LOOKUP: ("singles", "realistic-200")}
#: Where the search for the sustained rate begins; without a search, the rate that is checked.
FIRST_EVENTS_S = {PRODUCT: 140_000.0, PLAIN: 140_000.0, BASELINE: 7_000.0, LOOKUP: 7_000.0}
SYSTEMS = (BASELINE, LOOKUP, PRODUCT, PLAIN)
#: The baseline's stream forgets what is beyond.
BASELINE_HOLDS = 100_000
EDGE_LIMIT_S = 5.0

#: What is told as it goes on.
SHOWN = {
    "accepted_events_s": "accepted events/s",
    "stored_events_s": "stored events/s",
    "requests_s": "requests/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
}

#: Of Valkey, without which a 202 is no promise.
SYNCED = {
    "valkey appendonly": "yes",
    "valkey appendfsync": "always",
    "valkey no-appendfsync-on-rewrite": "no",
}

Step = tuple[str, "Callable[[Bench], Outcome]"]


class NotSyncedError(RuntimeError):
    """A system that promises a fsync runs on a server that makes none."""


@dataclass(frozen=True)
class Choice:
    """What to run; empty means all."""

    systems: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Tell whether a scenario was chosen, by the beginning of its name."""
        return not self.scenarios or name.startswith(self.scenarios)


class Session:
    """Runs a plan and keeps its result file `out`; `directory` is its own."""

    def __init__(
        self, plan: Plan, choice: Choice, directory: Path, out: Path, tell: Callable[[str], None]
    ) -> None:
        """Begin with nothing known; `tell` hears how it goes on."""
        self.plan = plan
        self.choice = choice
        self.out = out
        self.kernel: list[Ratio] = []
        #: Why there is not all that was wanted; empty when there is.
        self.end = ""
        self.outcomes: list[Outcome] = []
        self._directory = directory
        self._tell = tell
        self._limits: list[dict[str, Any]] = []
        self._repeats: list[int] = []
        self._about = describe({"plan": asdict(plan), "choice": asdict(choice), "systems": {}})

    def run(self, stored: Mapping[str, float]) -> None:
        """Measure the kernel beside stored ratios, then run all repeats."""
        if self.choice.has("kernel"):
            self._measure_kernel(stored)
        self._run_repeats()

    def _measure_kernel(self, stored: Mapping[str, float]) -> None:
        self.kernel = gate.check(stored)
        self._write()
        for ratio in self.kernel:
            self._tell(str(ratio))

    def _run_repeats(self) -> None:
        """The order of the systems turns round each time."""
        scenarios.prepare(self._directory)
        for repeat in range(self.plan.repeats):
            if self.choice.has("limits"):
                self._measure_limits(repeat)
            names = self._systems()
            for name in names if repeat % 2 == 0 else reversed(names):
                self._run_system(name, repeat)

    @property
    def has_measured(self) -> bool:
        """Tell whether there is anything to report, and in the file."""
        return self.out.exists() and bool(self.kernel or self._limits or self.outcomes)

    def end_early(self, why: str) -> None:
        """Keep why the result is not whole, if there is room for it."""
        self.end = why
        with suppress(OSError):
            self._write()

    def titles(self) -> list[str]:
        """Name all that can be chosen from: what the plan has for these systems."""
        steps = (step for name in self._systems() for step in self._steps(name))
        return list(dict.fromkeys(("kernel", "limits", *(title for title, _ in steps))))

    def _systems(self) -> list[str]:
        usual = (BASELINE, PRODUCT) if self.plan.name == "quick" else SYSTEMS
        return [name for name in SYSTEMS if name in (self.choice.systems or usual)]

    def _make(self, name: str) -> System:
        directory = self._directory / name
        if name in (BASELINE, LOOKUP):
            return Baseline(directory, name, **({"keys": "lookup"} if name == LOOKUP else {}))
        return Product(directory, name, **({"entry_codec": "none"} if name == PLAIN else {}))

    def _run_system(self, name: str, repeat: int) -> None:
        system = self._make(name)
        steps = [step for step in self._steps(name) if self.choice.has(step[0])]
        if not steps:
            return
        is_over = False
        try:
            self._tell(f"{name}: starting")
            system.start()
            self._about["settings"]["systems"][name] = settings = system.settings()
            if system.promises_fsync and not settings.items() >= SYNCED.items():
                raise NotSyncedError(f"{name}: Valkey is not set to {SYNCED}")
            self._tell_place(name)
            for title, scenario in steps:
                began = time.monotonic()
                outcome = scenario(Bench(system, self.plan, self._directory))
                self._keep(outcome, repeat)
                spent_s = time.monotonic() - began
                self._tell(f"{name}: {title} took {spent_s:.0f} s{_shown(outcome)}")
            is_over = True
        finally:
            _stop(system, at_once=not is_over)
            remove(self._directory / name)

    def _tell_place(self, name: str) -> None:
        servers = self._directory / name / "servers"
        if servers.is_symlink():
            self._tell(
                f"{name}: the servers' files are in {servers.resolve()}, as the account that runs "
                "them can't enter --data; fdatasync is measured in --data"
            )

    def _steps(self, name: str) -> Iterator[Step]:
        """Give what the plan has for a system, chosen or not."""
        parts = PARTS.get(name, ("",))
        return (step for step in self._all_steps(name) if step[0].startswith(parts))

    def _all_steps(self, name: str) -> Iterator[Step]:
        found = self._sustained(name)
        first, step = (found, NEXT_STEP) if found else (FIRST_EVENTS_S[name], FIRST_STEP)
        yield "sustained", partial(scenarios.sustained, first_events_s=first, step=step)
        yield "singles", scenarios.singles
        for rate in self.plan.realistic_rates:
            yield f"realistic-{rate}", partial(scenarios.realistic, rate=rate)
        yield "crash", scenarios.crash
        for events in self.plan.drain_events:
            if name != BASELINE or events <= BASELINE_HOLDS:
                yield f"drain-{events}", partial(scenarios.drain, events=events)
        if self.plan.soak_s and name == PRODUCT:
            yield "soak", scenarios.soak

    def _sustained(self, name: str) -> float:
        """Give the rate that the last repeat found; 0 when there is none."""
        rates = [
            one.figures.get("sustained_events_s", 0.0)
            for one in self.outcomes
            if (one.system, one.scenario) == (name, "sustained")
        ]
        return rates[-1] if rates else 0.0

    def _measure_limits(self, repeat: int) -> None:
        self._tell("limits: disk, COPY, XADD, empty handlers behind the edge")
        rows, before = self.plan.limit_rows, Busy.now()
        loads = {"single": "singles.bodies", "batch": "stress.bodies"}
        paths = {kind: self._directory / name for kind, name in loads.items()}
        found: dict[str, Mapping[str, float]] = {
            "disk": disk.measure(self._directory),
            # A directory for each repeat: what an earlier one stored would be counted again.
            "copy": copy.measure(self._directory / f"limit-copy-{repeat}", rows),
            "stream": stream.measure(self._directory / f"limit-stream-{repeat}", rows),
            "edge": edge.measure(self._directory, paths, min(EDGE_LIMIT_S, self.plan.load_s / 2)),
        }
        self._limits.append({"repeat": repeat, **found, "machine": Busy.now().since(before)})
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
        result = {
            "about": self._about,
            "end": self.end,
            "kernel": [asdict(ratio) | {"fault": ratio.fault} for ratio in self.kernel],
            "limits": self._limits,
            "outcomes": outcomes,
        }
        draft = self.out.with_suffix(".new")
        try:
            draft.write_text(json.dumps(result), encoding="utf-8")
            draft.replace(self.out)
        except OSError:
            draft.unlink(missing_ok=True)
            raise


def _stop(system: System, *, at_once: bool) -> None:
    """End a system; at once when somebody loses patience meanwhile."""
    try:
        system.stop(at_once=at_once)
    except BaseException:
        system.stop(at_once=True)
        raise


def _shown(outcome: Outcome) -> str:
    told = (f"{title} {number(outcome.figures[name])}" for name, title in SHOWN.items()
            if name in outcome.figures)  # fmt: skip
    text = "".join(f", {one}" for one in told)
    return f"{text}, WRONG: {outcome.fault}" if outcome.fault else text
