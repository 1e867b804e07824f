"""Processes that an earlier run left behind, ended before a data directory is used again.

A process id alone proves nothing, it may be another program's by now: what is ended here was
started when we noted it, or works inside our directory.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil

from ingest.errors import NeedsPerson

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GONE_S = 5.0
POLL_S = 0.02


def end_working_in(path: Path) -> None:
    """End what has `path` as its working directory.

    PostgreSQL's children work in the data directory and outlive a killed postmaster for a moment.
    """
    end(process for process in psutil.process_iter() if _works_in(process, str(path)))


def end(processes: Iterable[psutil.Process]) -> list[int]:
    """Kill them and wait; NeedsPerson when one stays. Gives the ids of what was there."""
    found = list(processes)
    for process in found:
        _kill(process)
    left = found
    deadline = time.monotonic() + GONE_S
    while (left := [process for process in left if is_alive(process)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(POLL_S)
    if left:
        names = ", ".join(f"{process.name()} ({process.pid})" for process in left)
        raise NeedsPerson(f"left over from an earlier run and can't be ended: {names}")
    return [process.pid for process in found]


def is_alive(process: psutil.Process) -> bool:
    """Tell whether it runs; one that nobody has reaped yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        return  # it stays, and the caller is told


def _works_in(process: psutil.Process, path: str) -> bool:
    try:
        return bool(process.cwd() == path)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
