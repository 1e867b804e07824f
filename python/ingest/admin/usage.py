"""What processes of this machine use: CPU time and memory, with all that they started.

Finding children means reading every process of the machine (some ms), so it is done now and then.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

# A child that is made in between is missing for so long.
FAMILY_S = 10.0


@dataclass(frozen=True, slots=True)
class Use:
    """One process and its children at one moment; `cpu_s` of those that ended included."""

    pid: int
    started: float
    cpu_s: float
    memory_bytes: int


class Usage:
    """Knows who belongs to whom; for one thread."""

    def __init__(self) -> None:
        self._families: dict[int, list[psutil.Process]] = {}
        self._found_at = 0.0

    def of(self, pid: int, *, alone: bool = False) -> Use | None:
        """Give what a process uses, None when it is gone; `alone` leaves its children out."""
        try:
            process = psutil.Process(pid)
            members = [process] if alone else self._family(process)
            with process.oneshot():
                times = process.cpu_times()
                reaped = 0.0 if alone else times.children_user + times.children_system
                started = process.create_time()
        except psutil.Error:
            return None
        cpu_s = reaped + sum(map(_cpu_s, members))
        return Use(pid, started, cpu_s, _memory_bytes(members))

    def _family(self, process: psutil.Process) -> list[psutil.Process]:
        now = time.monotonic()
        if now - self._found_at >= FAMILY_S:
            self._families.clear()
            self._found_at = now
        known = self._families.get(process.pid)
        if known is None or known[0] != process:
            known = self._families[process.pid] = [process, *process.children(recursive=True)]
        return known


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _memory_bytes(members: list[psutil.Process]) -> int:
    """Add the private memory of all to the largest shared part: PostgreSQL's processes share."""
    private, shared = 0, [0]
    for member in members:
        try:
            memory = member.memory_info()
        except psutil.Error:
            continue
        common = getattr(memory, "shared", 0)
        private += memory.rss - common
        shared.append(common)
    return private + max(shared)
