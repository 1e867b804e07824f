"""One core for the calling thread and for processes that never wait."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SPIN = (sys.executable, "-c", "print(flush=True)\nwhile True: pass")


@contextmanager
def shared_with(spinners: int) -> Iterator[None]:
    """Keep this thread on a core on which so many processes spin."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    running = [subprocess.Popen(SPIN, stdout=subprocess.PIPE) for _ in range(spinners)]
    try:
        for one in running:
            assert one.stdout is not None
            one.stdout.readline()
        yield
    finally:
        os.sched_setaffinity(0, allowed)
        for one in running:
            one.kill()
            one.communicate()
