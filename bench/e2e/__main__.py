"""`python -m bench.e2e`: measure the product beside the baseline and the limits of their parts."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import psycopg
import redis

from bench import environment, generator
from bench.e2e.places import Lock, UnusableError, claimed
from bench.e2e.plan import FULL, QUICK
from bench.e2e.session import PRODUCT, SYSTEMS, Choice, Session
from bench.machine import ROOT, DebugBuildError, refuse_debug_build, source
from bench.report import page
from bench.report.figures import NotAResultError, load
from bench.report.stored import Stored

RESULTS = ROOT / "bench" / "results"
#: Where the systems run, below --data.
RUNNING = "running"
SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: What a part that failed looks like from here; what was measured before it is still reported.
BROKEN = (RuntimeError, OSError, subprocess.SubprocessError, psycopg.Error, redis.RedisError)


class Ended(BaseException):
    """Somebody ends the bench: with an exit code, after all it started has been ended."""

    def __init__(self, number: int) -> None:
        """Take a signal's number."""
        super().__init__(number)
        self.code = 128 + number


def main() -> int:
    """Run what the flags say; 1 when a result is wrong or the kernel has become slower."""
    flags = _flags()
    session = _session(flags)
    try:
        refuse_debug_build()
        _refuse_useless(session, store_it=flags.store)
        with ExitStack() as held:
            for directory in {flags.data.resolve(), RESULTS.resolve()}:
                held.enter_context(Lock(directory))
            stored = Stored.load()
            held.enter_context(claimed(flags.data / RUNNING))
            return _measure(session, stored, store_it=flags.store)
    except (DebugBuildError, UnusableError, UselessError, NotAResultError) as error:
        _tell(str(error))
        return 2
    except OSError as error:  # a full disk, as a rule: neither result nor report can be written
        _tell(f"broken off: {error}")
        return 1


def _measure(session: Session, stored: Stored | None, *, store_it: bool) -> int:
    began, code = time.monotonic(), 0
    session.out.parent.mkdir()
    for name in environment.leave_out_settings():
        _tell(f"{name} of the environment is left out")
    for number in SIGNALS:
        signal.signal(number, _end)
    try:
        generator.build()
        session.run(stored.kernel if stored else {})
    except Ended as ended:
        code = ended.code
        what = (
            "the report has what was measured" if session.has_measured else "nothing was measured"
        )
        _tell(f"ended early: {what} until then")
        session.end_early("it was ended by a signal")
    except BROKEN as error:
        code = 1
        _tell(f"broken off: {error}")
        session.end_early((str(error) or type(error).__name__).splitlines()[0])
    except Exception as error:
        session.end_early(type(error).__name__)
        raise
    finally:
        _ignore_signals()  # what is left takes a second
        if session.has_measured:
            _report(session.out, stored)
    code = code or _verdict(session, must_compare=not store_it)
    if store_it and not code and not any(one.fault for one in session.outcomes):
        Stored.of(load(session.out)).write()
    _tell(f"{session.out.parent} after {time.monotonic() - began:.0f} s")
    return code


def _verdict(session: Session, *, must_compare: bool) -> int:
    wrong = [one for one in session.outcomes if one.fault and one.system.startswith(PRODUCT)]
    for outcome in wrong:
        _tell(f"{outcome.system}, {outcome.scenario}: {outcome.fault}")
    is_slower = must_compare and any(ratio.fault for ratio in session.kernel)
    return 1 if is_slower or wrong else 0


def _end(number: int, _frame: object) -> NoReturn:
    _ignore_signals()  # once is enough: what was started must be ended
    raise Ended(number)


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _report(out: Path, stored: Stored | None) -> None:
    written = page.write(load(out), out.parent, stored)
    print(written.with_name("summary.md").read_text(encoding="utf-8"), flush=True)


class UselessError(ValueError):
    """Flags that would measure nothing, or nothing that can be used."""


def _refuse_useless(session: Session, *, store_it: bool) -> None:
    if store_it and source().endswith("+"):
        raise UselessError("--store: files differ from the commit, so nobody could compare")
    known = session.titles()
    for name in session.choice.scenarios:
        if not any(title.startswith(name) for title in known):
            raise UselessError(
                f"--only {name}: nothing that this would run begins so: {', '.join(known)}"
            )


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
    return Session(plan, choice, flags.data / RUNNING, out / "result.json", _tell)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.e2e", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--quick", action="store_true", help="under three minutes; the default")
    mode.add_argument("--full", action="store_true", help="three repeats, several hours")
    parser.add_argument("--repeats", type=_count, metavar="N", help="instead of the plan's")
    parser.add_argument(
        "--load", type=_seconds, metavar="S", help="of crash test, singles, realistic; no warm-up"
    )
    parser.add_argument(
        "--confirm", type=_seconds, metavar="S", help="for which a sustained rate must hold"
    )
    parser.add_argument(
        "--soak", type=_seconds, default=0.0, metavar="S", help="add a soak; --only soak needs it"
    )
    parser.add_argument("--system", action="append", default=[], choices=SYSTEMS)
    parser.add_argument("--only", action="append", default=[], help="scenarios that begin so")
    parser.add_argument("--data", type=Path, default=RESULTS, help="where the systems run")
    parser.add_argument("--store", action="store_true", help="compare later results with this one")
    flags = parser.parse_args()
    changed = (flags.only, flags.system, flags.repeats, flags.load, flags.confirm, flags.soak)
    if flags.store and any(changed):
        parser.error("--store keeps a whole plan: leave out what changes it")
    return flags


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of runs")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time in seconds")
    return seconds


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
