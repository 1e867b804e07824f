"""One process under supervision: notices its end, starts it again, knows when it is ready."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ingest import log
from ingest.errors import IngestError
from ingest.local.restarts import Policy, Restarts
from ingest.readiness import SILENT_S
from ingest.roster import Member

if TYPE_CHECKING:
    from ingest.local.process import Process

LOG = log.get(__name__)
KILL_S = 1.0


class State(enum.Enum):
    """Where a process is in its life."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"


class Supervised:
    """Asked again and again by `step`; never blocks for longer than one readiness check."""

    def __init__(self, process: Process, start_timeout_s: float, policy: Policy) -> None:
        """Take over a process that has not been started."""
        self.process = process
        self.state = State.WAITING
        self.restarts = Restarts(policy)
        self._start_timeout_s = start_timeout_s
        self._since = 0.0
        self._due = 0.0

    @property
    def member(self) -> Member:
        """Say how it is, for the roster."""
        process = self.process
        return Member(process.name, self.state.value, process.pid, self.restarts.count)

    def start(self, now: float) -> None:
        """Start the process."""
        self.state, self._since = State.STARTING, now
        self.process.start()

    def step(self, now: float) -> bool:
        """Do what is due; True when the process became ready just now."""
        if self.state is State.WAITING:
            self._start_when_due(now)
        elif self.process.pid is None:
            self._fall(now, f"ended with {self.process.exit_code}")
        elif self.state is State.STARTING:
            return self._settle(now)
        elif self.process.is_silent:
            self.process.stop(0)
            self._fall(now, f"was silent for {SILENT_S:g} s")
        return False

    def _start_when_due(self, now: float) -> None:
        if now < self._due:
            return
        try:
            self.start(now)
        except (OSError, IngestError) as error:
            self._fall(now, str(error))

    def _settle(self, now: float) -> bool:
        if self.process.is_ready():
            self.state = State.READY
            return True
        if now - self._since > self._start_timeout_s:
            self.process.stop(KILL_S)
            self._fall(now, f"was not ready in {self._start_timeout_s:g} s")
        return False

    def _fall(self, now: float, why: str) -> None:
        delay = self.restarts.delay_s(now - self._since)
        self.state, self._due = State.WAITING, now + delay
        LOG.warning(
            "process is started again",
            process=self.process.name,
            why=why,
            delay_s=delay,
            restarts=self.restarts.count,
        )
