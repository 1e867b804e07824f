"""How long a worker leaves its core to others after a group, so that it finds more at once.

On a busy machine each request that is taken alone finds cold caches and wakes every process behind
it. Taken together they cost a fifth less CPU outside PostgreSQL where both cores are busy, and wait
longer (DESIGN.md has the runs); where a core is free nobody sleeps.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# Of the kernel, for the thread that opens it: nanoseconds on a core and waiting for one.
SCHEDSTAT = Path("/proc/thread-self/schedstat")
FIELDS_BYTES = 80
# A thread that waits for half as long as it works is on a busy machine.
BUSY_WAIT = 0.5
# It sleeps so many times as long as it worked, and no more than fills up this time.
WORK_TIMES, ROUND_S = 5, 0.01
# A shorter sleep gathers nothing.
LEAST_S = 0.0003


class Spent(NamedTuple):
    """Seconds of a thread since its start: on a core, and ready but waiting for one."""

    working_s: float
    waiting_s: float


class Rest:
    """Tells one thread, from the first call on. Without the kernel's numbers it never rests."""

    def __init__(self, schedstat: Path = SCHEDSTAT) -> None:
        self._path = schedstat
        self._file: int | None = None
        self._before = Spent(0.0, 0.0)

    def due_s(self) -> float:
        """Give how long to sleep after what was done since the last call; 2 µs."""
        now = self._read()
        working_s = now.working_s - self._before.working_s
        waiting_s = now.waiting_s - self._before.waiting_s
        self._before = now
        return rest_s(working_s, waiting_s)

    def close(self) -> None:
        """Let go of the kernel's file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self) -> Spent:
        if self._file is None:
            with suppress(OSError):
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        if self._file is None:
            return self._before
        fields = os.pread(self._file, FIELDS_BYTES, 0).split()
        if len(fields) < len(Spent._fields):
            return self._before
        return Spent(int(fields[0]) / 1e9, int(fields[1]) / 1e9)


def rest_s(working_s: float, waiting_s: float) -> float:
    """Give the sleep for so much work, and waiting for a core, since the last one."""
    if waiting_s < BUSY_WAIT * working_s:
        return 0.0
    seconds = min(WORK_TIMES * working_s, ROUND_S - working_s)
    return seconds if seconds >= LEAST_S else 0.0
