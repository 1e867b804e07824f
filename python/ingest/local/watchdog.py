"""Ends what a killed supervisor started: `python -m ingest.local.watchdog`, with notes on stdin.

Most of it ends by its death signal. What is left after a moment - a frozen server, nginx's workers
whose master is gone, anything where the system knows no death signal - is killed from here.
"""

from __future__ import annotations

import signal
import sys
import time

GRACE_S = 2.0
POLL_S = 0.05


def main() -> None:
    """Remember the newest notes; at the pipe's end act on them, in at most 5 s."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    notes = "[]"
    for line in sys.stdin:
        notes = line
    _end(notes)


def _end(notes: str) -> None:
    # Imported only now: an idle watchdog should weigh little.
    from ingest.local import children, strays  # noqa: PLC0415

    noted = children.decode(notes)
    deadline = time.monotonic() + GRACE_S
    while any(list(child.remains()) for child in noted) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    strays.end(process for child in noted for process in child.remains())


if __name__ == "__main__":
    main()
