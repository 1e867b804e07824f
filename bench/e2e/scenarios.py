"""The scenarios, each a function from a running system to outcomes."""

from __future__ import annotations

import os
import signal
import statistics
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench import bodies
from bench.e2e.freshness import quantile
from bench.e2e.sampling import MEMORY_EVERY_S
from bench.e2e.sustained import FIRST_STEP, Window, growth, search
from bench.e2e.trial import Trial
from bench.generator import Load
from bench.workload import STRESS_BATCH, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.e2e.outcome import Outcome
    from bench.e2e.plan import Plan
    from bench.system import System

#: Clients of the crash test; each sends its next batch as soon as it has an answer.
CRASH_CLIENTS = 200
SINGLE_CONNECTIONS = 64
#: Enough for 500 requests a second of any latency that is still of interest.
REALISTIC_CONNECTIONS = 256
FILL_CONNECTIONS = 16
#: Distinct bodies: more than any cache holds, few enough to stay in memory.
STRESS_BODIES, SMALL_BODIES = 400, 20_000


class NothingHeldError(RuntimeError):
    """The search for a sustained rate found none."""


@dataclass(frozen=True)
class Bench:
    """A system that runs, the plan, and where files go."""

    system: System
    plan: Plan
    directory: Path

    def trial(self) -> Trial:
        """Begin a trial; what came before it is settled."""
        return Trial(self.system, self.directory)

    def body(self, profile: str) -> Path:
        """Name the file of a profile's requests."""
        return self.directory / f"{profile}.bodies"


def prepare(directory: Path) -> None:
    """Write the requests of all profiles; the seed is fixed, the times are around now."""
    workload = Workload(1, datetime.now(UTC))
    bodies.write(directory / "stress.bodies", bodies.stress(workload, STRESS_BODIES))
    bodies.write(directory / "singles.bodies", bodies.singles(workload, SMALL_BODIES))
    bodies.write(directory / "realistic.bodies", bodies.realistic(workload, SMALL_BODIES))


def crash(bench: Bench) -> Outcome:
    """200 clients send batches of 200 as fast as they are answered, as good clients do."""
    plan = bench.plan
    load = Load(
        bench.body("stress"),
        plan.load_s,
        CRASH_CLIENTS,
        warmup_s=plan.crash_warmup_s,
        retry_after=True,
    )
    with bench.trial() as trial:
        return trial.finish("crash", load, trial.drive(load))


def singles(bench: Bench) -> Outcome:
    """64 connections send one event each, as fast as they are answered."""
    plan = bench.plan
    load = Load(bench.body("singles"), plan.load_s, SINGLE_CONNECTIONS, warmup_s=plan.warmup_s)
    with bench.trial() as trial:
        return trial.finish("singles", load, trial.drive(load))


def realistic(bench: Bench, rate: int) -> Outcome:
    """The realistic mix at a fixed rate, with probes for freshness."""
    plan = bench.plan
    load = Load(
        bench.body("realistic"),
        plan.load_s,
        REALISTIC_CONNECTIONS,
        rate=rate,
        warmup_s=plan.warmup_s,
    )
    with bench.trial() as trial:
        drive, delays = trial.drive_and_probe(load)
        fresh = {
            "freshness_p50_ms": quantile(delays, 0.5),
            "freshness_p99_ms": quantile(delays, 0.99),
            "probes": float(len(delays)),
        }
        return trial.finish(f"realistic-{rate}", load, drive, **fresh)


def drain(bench: Bench, events: int) -> Outcome:
    """Let a backlog grow while the consumers are stopped; then time how it goes."""
    load = Load(bench.body("stress"), 600.0, FILL_CONNECTIONS, requests=events // STRESS_BATCH)
    with bench.trial() as trial:
        with _stopped_consumers(bench.system):
            drive = trial.drive(load)
            held = bench.system.buffered()
        began, before = time.monotonic(), trial.sampler.look()
        trial.wait_settled()
        spent_s = time.monotonic() - began
        figures = {
            "drain_s": spent_s,
            "drain_events_s": before.backlog / spent_s,
            "stream_bytes_event": held.bytes / max(held.events, 1),
        }
        return trial.finish(f"drain-{events}", load, drive, **figures)


def sustained(bench: Bench, first_events_s: float, step: float = FIRST_STEP) -> Outcome:
    """Find the sustained rate from a first guess, and confirm it over the long window.

    Without a search the guess is only offered: that it held is no measure of the highest rate, so
    the outcome then has no `sustained_events_s`.
    """
    plan = bench.plan
    windows: list[dict[str, float]] = []

    def offer(rate: float, seconds: float) -> tuple[Outcome, bool]:
        outcome, window = _offer(bench, rate, seconds)
        windows.append(_shown(window, outcome))
        return outcome, window.is_sustained

    if plan.search_s:
        found = search(
            first_events_s, plan.precision, lambda rate: offer(rate, plan.search_s)[1], step=step
        )
    else:
        found = first_events_s
    if not found:
        raise NothingHeldError(f"{bench.system.name}: no rate that was tried is sustained")
    outcome, holds = offer(found, plan.confirm_s)
    while not holds and plan.search_s:
        found *= 1 - plan.precision
        outcome, holds = offer(found, plan.confirm_s)
    held = {"sustained_events_s": found} if holds and plan.search_s else {}
    return replace(
        outcome,
        figures=outcome.figures | held,
        details=outcome.details | {"windows": windows},
    )


def soak(bench: Bench) -> Outcome:
    """A steady load for minutes: memory at the end against memory at a fifth of it."""
    plan = bench.plan
    load = Load(bench.body("stress"), plan.soak_s, FILL_CONNECTIONS, rate=plan.soak_batches_s)
    with bench.trial() as trial:
        drive = trial.drive(load)
        return trial.finish("soak", load, drive, **_memory_growth(trial, plan.soak_s))


def _offer(bench: Bench, events_s: float, seconds: float) -> tuple[Outcome, Window]:
    settle_s = seconds / 4
    load = Load(
        bench.body("stress"),
        settle_s + seconds,
        FILL_CONNECTIONS * 4,
        rate=events_s / STRESS_BATCH,
        warmup_s=settle_s,
    )
    with bench.trial() as trial:
        drive = trial.drive(load)
        grown = growth(trial.sampler.samples, settle_s, load.duration_s)
        turned_away = drive.total["refused"] + drive.total["lost"] + drive.total["unsent"]
        window = Window(events_s, drive.events_s, grown, seconds, turned_away)
        figures = {"offered_events_s": events_s, "backlog_growth_s": grown}
        return trial.finish("sustained", load, drive, **figures), window


def _shown(window: Window, outcome: Outcome) -> dict[str, float]:
    """Give what a window found, and how the machine was in it."""
    machine = {name: outcome.figures[name] for name in ("core_mb_s", "steal_percent")}
    return asdict(window) | {"is_sustained": window.is_sustained} | machine


def _memory_growth(trial: Trial, seconds: float) -> dict[str, float]:
    """Give own memory in the last tenth of the time over that around a fifth of it, by part.

    By medians: what waits in between swings, and the memory with it.
    """
    around_s = max(seconds / 20, MEMORY_EVERY_S)
    early = _own(trial, seconds / 5 - around_s, seconds / 5 + around_s)
    late = _own(trial, seconds - 2 * around_s, seconds)
    parts = {
        f"memory_growth_{name}": late[name] / max(early[name], 1)
        for name in early.keys() & late.keys()
    }
    return parts | {"memory_growth": max(parts.values())}


def _own(trial: Trial, begin_s: float, end_s: float) -> dict[str, float]:
    looks = [found for at_s, found in trial.sampler.memory if begin_s <= at_s <= end_s]
    names = set.intersection(*map(set, looks))
    return {name: statistics.median(found[name].own for found in looks) for name in names}


@contextmanager
def _stopped_consumers(system: System) -> Iterator[None]:
    pids = [pid for name, pid in system.pids().items() if name.startswith("consumer-")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
