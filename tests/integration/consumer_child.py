"""A consumer as a process that kills itself at a named point, for the n-th time it is reached.

    python -m tests.integration.consumer_child [point [n [signal]]]

Each point lies between two durable steps; the parts are wrapped here, so that the code under test
knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ingest import log
from ingest.consumer import intake, lease, loop, position, writer
from ingest.settings import Settings
from ingest.store import ledger, sink
from ingest.stream import read

P = ParamSpec("P")
R = TypeVar("R")

# Where to kill: what is wrapped, and whether it is killed before or after it.
POINTS: dict[str, tuple[object, str, bool]] = {
    "read, nothing written": (writer.Writer, "settle", False),
    "position moved, no rows": (position, "advance", True),
    "rows placed, not counted": (ledger, "add", False),
    "all written, not committed": (sink.Sink, "store", True),
    "committed, not noted": (writer.Writer, "_write", True),
    "noted, not trimmed": (read.StreamReader, "trim", False),
    "trimmed": (read.StreamReader, "trim", True),
    "reading again": (intake.Intake, "_read_again", True),
    "under the lock of sharing": (lease.Lease, "_surplus", True),
}


def kill_at(point: str, nth: int, number: int) -> None:
    """Wrap the place of a point."""
    owner, name, is_after = POINTS[point]
    setattr(owner, name, _deadly(getattr(owner, name), is_after, nth, number))


def _deadly(function: Callable[P, R], is_after: bool, nth: int, number: int) -> Callable[P, R]:
    calls = 0

    def reach() -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            os.kill(os.getpid(), number)

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not is_after:
            reach()
        result = function(*args, **kwargs)  # an error is not the step's end: it comes again
        if is_after:
            reach()
        return result

    return call


def main() -> None:
    """Run until SIGTERM or the point."""
    point, nth, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if point:
        kill_at(point, nth, number)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    log.configure("warning", "text")
    loop.Consumer(Settings.load(), lambda: print("ready", flush=True)).run(stop)  # noqa: T201


if __name__ == "__main__":
    main()
