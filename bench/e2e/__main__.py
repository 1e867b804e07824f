"""`python -m bench.e2e`: measure the product beside the baseline and the limits of their parts."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench import gate, generator
from bench.e2e.plan import FULL, QUICK
from bench.e2e.session import PRODUCT, SYSTEMS, Choice, Session
from bench.machine import ROOT, DebugBuildError, refuse_debug_build
from bench.report import page
from bench.report.figures import load, store

STORED = ROOT / "bench" / "stored.json"
RESULTS = ROOT / "bench" / "results"


def main() -> int:
    """Run what the flags say; 1 when something was lost or the kernel has become slower."""
    flags = _flags()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what it started, as Ctrl-C does
    began = time.monotonic()
    try:
        refuse_debug_build()
    except DebugBuildError as error:
        _tell(str(error))
        return 2
    session = _session(flags)
    known = session.titles()
    for name in session.choice.scenarios:
        if not any(title.startswith(name) for title in known):
            _tell(f"--only {name}: nothing that this would run begins so: {', '.join(known)}")
            return 2
    session.out.parent.mkdir(parents=True)
    generator.build()
    slower = gate.check(STORED, _tell, store=flags.store) if session.choice.has("kernel") else []
    session.run()
    if session.outcomes:
        _report(session.out, store_it=flags.store)
    _tell(f"{session.out.parent} after {time.monotonic() - began:.0f} s")
    inexact = [
        one for one in session.outcomes if not one.is_exact and one.system.startswith(PRODUCT)
    ]
    for outcome in inexact:
        _tell(f"{outcome.system}, {outcome.scenario}: {outcome.verified}")
    return 1 if slower or inexact else 0


def _report(out: Path, *, store_it: bool) -> None:
    result, stored = load(out), load(STORED) if STORED.exists() else None
    written = page.write(result, out.parent, stored)
    print(written.with_name("summary.md").read_text(encoding="utf-8"))
    if store_it:
        store(result, STORED)


def _session(flags: argparse.Namespace) -> Session:
    plan = FULL if flags.full else QUICK
    plan = replace(
        plan,
        repeats=flags.repeats or plan.repeats,
        load_s=plan.warmup_s + flags.load if flags.load else plan.load_s,
        confirm_s=flags.confirm or plan.confirm_s,
        soak_s=flags.soak,
    )
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    out = RESULTS / f"{stamp}-{plan.name}"
    choice = Choice(tuple(flags.system), tuple(flags.only))
    return Session(plan, choice, flags.data / "running", out / "result.json", _tell)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.e2e", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--quick", action="store_true", help="under three minutes; the default")
    mode.add_argument("--full", action="store_true", help="three repeats, an hour or two")
    parser.add_argument("--repeats", type=int, help="instead of the plan's")
    parser.add_argument("--load", type=float, metavar="S", help="seconds after the warm-up")
    parser.add_argument("--confirm", type=float, metavar="S", help="seconds of the sustained rate")
    parser.add_argument("--soak", type=float, default=0.0, metavar="S", help="add a soak")
    parser.add_argument("--system", action="append", default=[], choices=SYSTEMS)
    parser.add_argument("--only", action="append", default=[], help="scenarios that begin so")
    parser.add_argument("--data", type=Path, default=RESULTS, help="where the systems run")
    parser.add_argument("--store", action="store_true", help="compare later results with this one")
    return parser.parse_args()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
