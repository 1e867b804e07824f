"""Runs the steps of a plan against a stack under load, and notes how each went."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil
from ingest.errors import IngestError

from bench.crash.faults.fault import NotInjected
from bench.crash.progress import AWAY
from bench.crash.stack import Late

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.crash.faults.fault import Fault
    from bench.crash.plan import Step
    from bench.crash.recovery import Probe
    from bench.crash.stack import Stack

#: What a fault meets when another one has just hit the same part.
_GONE = (NotInjected, IngestError, psutil.Error, *AWAY)


@dataclass(slots=True)
class Noted:
    """How a step went. Times are the machine's monotonic clock."""

    step: Step
    began_at: float
    injected: list[Fault] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    healed_at: float = 0.0
    well_at: float = 0.0
    #: What did not happen in its time; empty when the stack recovered.
    failure: str = ""

    @property
    def recovery_s(self) -> float:
        """Seconds from the end of the fault until all was well; from the begin of one without."""
        has_end = self.step.hold_s and not any(fault.is_overcome for fault in self.injected)
        return self.well_at - (self.healed_at if has_end else self.began_at)

    @property
    def limit_s(self) -> float:
        """How long that may take."""
        return max((fault.limit_s for fault in self.injected), default=0.0)

    @property
    def is_late(self) -> bool:
        """Whether it took longer, or never came."""
        is_slow = bool(self.injected) and self.recovery_s > self.limit_s
        return bool(self.failure) or is_slow


def run(stack: Stack, probe: Probe, steps: Iterable[Step], tell: Callable[[Noted], None]) -> None:
    """Run the steps one after the other; ends early when the stack stays ill."""
    for step in steps:
        time.sleep(step.pause_s)
        noted = _one(stack, probe, step)
        tell(noted)
        if noted.failure:
            return


def _one(stack: Stack, probe: Probe, step: Step) -> Noted:
    noted = Noted(step, time.monotonic())
    try:
        for fault in step.faults:
            _inject(fault, stack, noted)
            time.sleep(step.gap_s)
        if any(fault.is_overcome for fault in noted.injected):
            probe.wait_well()
            noted.well_at = time.monotonic()  # lasts until then, and no longer
        time.sleep(max(0.0, noted.began_at + step.hold_s - time.monotonic()))
        _heal(stack, noted)
        noted.healed_at = time.monotonic()
        probe.wait_well()
    except Late as late:
        noted.failure = str(late)
        noted.healed_at = noted.healed_at or time.monotonic()
    noted.well_at = noted.well_at or time.monotonic()
    return noted


def _inject(fault: Fault, stack: Stack, noted: Noted) -> None:
    try:
        fault.inject(stack)
    except _GONE as error:
        noted.skipped[fault.label] = f"{type(error).__name__}: {error}"
    else:
        noted.injected.append(fault)


def _heal(stack: Stack, noted: Noted) -> None:
    for fault in noted.injected:
        try:
            fault.heal(stack)
        except _GONE as error:
            noted.skipped[f"end of {fault.label}"] = f"{type(error).__name__}: {error}"
