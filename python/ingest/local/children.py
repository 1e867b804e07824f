"""Notes of what a supervisor started, so that somebody else can end it when the supervisor is gone.

Two readers: the watchdog, which gets them by its pipe, and the next start, from children.json.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import psutil

from ingest.local import strays

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CLOCK_TICK_S = 0.02  # start times are kept in ticks of 10 ms


@dataclass(frozen=True)
class Child:
    """A leader of a process group, known by its id and the time it was started."""

    name: str
    pid: int
    started: float

    @classmethod
    def of(cls, name: str, pid: int) -> Self | None:
        """Note a running process; None when it has ended already."""
        try:
            return cls(name, pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def remains(self) -> Iterator[psutil.Process]:
        """Find the child and the members of its group that are still there.

        While the leader's id belongs to another process, its group can't be ours: an id is not
        given out again as long as a group has it.
        """
        leader = _process(self.pid)
        if leader is not None and not self._is_started_by(leader):
            return
        for process in psutil.process_iter():
            is_ours = _group(process.pid) == self.pid and self._is_not_older(process)
            if is_ours and strays.is_alive(process):
                yield process

    def _is_started_by(self, process: psutil.Process) -> bool:
        return abs(process.create_time() - self.started) <= CLOCK_TICK_S

    def _is_not_older(self, process: psutil.Process) -> bool:
        try:
            return bool(process.create_time() >= self.started - CLOCK_TICK_S)
        except psutil.NoSuchProcess:
            return False


def encode(children: Sequence[Child]) -> str:
    """Write notes on one line."""
    return json.dumps([asdict(child) for child in children])


def decode(text: str) -> list[Child]:
    """Read what `encode` wrote."""
    return [Child(**fields) for fields in json.loads(text)]


def read(path: Path) -> list[Child]:
    """Read the notes of an earlier run; empty when there are none or they were cut off."""
    try:
        return decode(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, TypeError):
        return []


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return None
