"""`python -m bench.crash`: kill, freeze and disturb a loaded stack, then compare what was promised.

The plan depends on the seed alone. Exits with 1 when anything is wrong; everything is kept then.
"""

from __future__ import annotations

import argparse
import random
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.crash import disk, experiment, plan, report, summary
from bench.crash.experiment import Ground, Leg
from bench.crash.plan import Pace

if TYPE_CHECKING:
    from collections.abc import Container

    from bench.crash.experiment import Outcome
    from bench.crash.trial import Noted


@dataclass(frozen=True)
class Profile:
    """How much is done, and how fast."""

    faults: int
    events_s: float
    pace: Pace


#: So many of the faults are of the network, on a stack with servers behind links.
LINKED_SHARE = 0.2
#: So many are of a full disk, on a stack whose stream has a small one.
FILLED_SHARE = 0.05
FULL = Profile(faults=210, events_s=1500.0, pace=Pace((4.0, 16.0), longest_s=60.0))
SHORT = Profile(faults=20, events_s=1500.0, pace=Pace((0.2, 0.8), longest_s=2.5))


def main(argv: list[str] | None = None) -> int:
    """Run all legs, print the table, write the report; give the exit code."""
    options = _options(argv)
    left_out = _left_out()
    legs = _legs(options, left_out)
    for what, reason in left_out.items():
        print(f"left out: {what}: {reason}")
    for leg in legs:
        _tell_plan(leg)
    home = Path(tempfile.mkdtemp(prefix="ingest-crash-"))
    home.chmod(0o711)
    outcomes = [_run(leg, home / str(number)) for number, leg in enumerate(legs)]
    print(summary.text(outcomes), flush=True)
    command = shlex.join(["python", "-m", "bench.crash", *(argv or sys.argv[1:])])
    about = {"seed": options.seed} | machine.describe({})["machine"]
    about |= {f"left out: {what}": reason for what, reason in left_out.items()}
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(report.html(outcomes, about, command), encoding="utf-8")
    print(f"\nreport: {options.report}", flush=True)
    return _end(outcomes, home, keep=options.keep)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(24))
    parser.add_argument("--short", action="store_true", help="20 faults in under three minutes")
    parser.add_argument("--faults", type=int)
    parser.add_argument("--events-s", type=float, help="events a second that clients offer")
    parser.add_argument("--keep", action="store_true", help="keep data, logs and journals")
    parser.add_argument("--report", type=Path, default=Path("bench/results/crash.html"))
    return parser.parse_args(argv)


def _legs(options: argparse.Namespace, left_out: Container[str]) -> list[Leg]:
    profile = SHORT if options.short else FULL
    faults = options.faults or profile.faults
    events_s = options.events_s or profile.events_s
    linked = round(faults * LINKED_SHARE)
    filled = 0 if "full disk" in left_out else round(faults * FILLED_SHARE)
    counts = (
        (Ground.OWN, plan.EMBEDDED, faults - linked - filled),
        (Ground.LINKED, plan.LINKED, linked),
        (Ground.SMALL_DISK, plan.FILLED, filled),
    )
    return [
        Leg(plan.draw(kinds, count, options.seed, profile.pace), ground, options.seed, events_s)
        for ground, kinds, count in counts
        if count
    ]


def _left_out() -> dict[str, str]:
    """Name what this experiment leaves out here, with the reason."""
    reasons = {"clock steps": "the one clock is everybody's on this machine"}
    return reasons | {"full disk": disk.unable()} if disk.unable() else reasons


def _run(leg: Leg, home: Path) -> Outcome:
    home.mkdir(mode=0o711)
    print(f"\n{leg.ground.value}, in {home}", flush=True)
    return experiment.run(leg, home, _tell)


def _tell_plan(leg: Leg) -> None:
    print(
        f"{leg.ground.value}: {sum(len(step.faults) for step in leg.steps)} faults, seed {leg.seed}"
    )
    for step in leg.steps:
        print(f"  {step.number:>3}  after {step.pause_s:>5.2f} s  {step.label}")


def _tell(noted: Noted) -> None:
    told = noted.failure or f"well after {noted.recovery_s:.1f} s"
    skipped = "".join(f"; not done: {label}" for label in noted.skipped)
    late = "  LATE" if noted.is_late else ""
    print(f"  {noted.step.number:>3}  {noted.step.label}: {told}{skipped}{late}", flush=True)


def _end(outcomes: list[Outcome], home: Path, *, keep: bool) -> int:
    is_clean = all(outcome.is_clean for outcome in outcomes)
    print("every promise was kept" if is_clean else "something is wrong", flush=True)
    if keep or not is_clean:
        print(f"data, logs and journals are in {home}", flush=True)
    else:
        shutil.rmtree(home)
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
