"""Processes killed without warning, or told to end while they are at work."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

import psutil
from ingest.local.strays import is_alive

from bench.crash.faults.fault import Fault, NotInjected
from bench.crash.stack import Late, until

if TYPE_CHECKING:
    import random

    from bench.crash.stack import Stack

#: All that a killed supervisor started ends within so many seconds.
GONE_S = 5.0
#: drain_timeout_s, which a process may take after SIGTERM.
DRAIN_S = 10.0
DRAINED_S = 45.0


class Signal(Fault):
    """A signal to one process of a kind; several processes of it: one of them."""

    part: ClassVar[str]
    number: ClassVar[signal.Signals] = signal.SIGKILL

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._choice = rng.random()

    def inject(self, stack: Stack) -> None:
        """Send it."""
        self.victim = self.target(stack)
        self.victim.send_signal(self.number)

    def heal(self, stack: Stack) -> None:  # noqa: ARG002
        """Wait until it has ended; what has not by then was not well told to."""
        until(lambda: not is_alive(self.victim), GONE_S + DRAIN_S, f"{self.name}: it has ended")

    def target(self, stack: Stack) -> psutil.Process:
        """Choose the process."""
        names = stack.names(self.part)
        if not names:
            raise NotInjected(f"no {self.part} runs")
        return stack.process(names[int(self._choice * len(names))])


class KillWorker(Signal):
    """A worker with requests in flight."""

    name, part = "kill worker", "worker"


class KillConsumer(Signal):
    """A consumer, anywhere between its durable steps."""

    name, part = "kill consumer", "consumer"


class KillValkey(Signal):
    """The stream's server."""

    name, part = "kill Valkey", "valkey"


class KillPostmaster(Signal):
    """PostgreSQL's parent; its children end when they notice."""

    name, part, limit_s = "kill postmaster", "postgres", 30.0


class KillEdge(Signal):
    """nginx's master; its workers go on with the port."""

    name, part = "kill edge master", "edge"


class KillEdgeWorker(Signal):
    """nginx's worker, which its master replaces."""

    name, part = "kill edge worker", "edge"

    def target(self, stack: Stack) -> psutil.Process:
        """Choose one of the master's children."""
        children = super().target(stack).children()
        if not children:
            raise NotInjected("the edge has no worker")
        return children[int(self._choice * len(children))]


class KillAdmin(Signal):
    """The admin process."""

    name, part, is_unnoticed = "kill admin", "admin", True


class StopWorker(Signal):
    """A worker told to end: no request fails that could have been answered."""

    name, part, number, is_unnoticed = "stop worker", "worker", signal.SIGTERM, True


class StopConsumer(Signal):
    """A consumer told to end gives its shards back."""

    name, part, number, is_unnoticed = "stop consumer", "consumer", signal.SIGTERM, True


class StopValkey(Signal):
    """The stream's server told to end."""

    name, part, number = "stop Valkey", "valkey", signal.SIGTERM


class StopEdge(Signal):
    """nginx told to end at once."""

    name, part, number = "stop edge", "edge", signal.SIGTERM


class StopAdmin(Signal):
    """The admin process told to end."""

    name, part, number, is_unnoticed = "stop admin", "admin", signal.SIGTERM, True


class RestartPostgres(Signal):
    """PostgreSQL told to end its sessions and itself."""

    name, part, number, limit_s = "restart PostgreSQL", "postgres", signal.SIGINT, 30.0


class StopPostgres(Signal):
    """PostgreSQL told to end when all sessions have; then, when they have not, at once."""

    name, part, number, limit_s = "stop PostgreSQL", "postgres", signal.SIGTERM, 30.0
    hold_s, is_alone = (2.0, 5.0), True

    def heal(self, stack: Stack) -> None:
        """Do what an operator would who has waited long enough."""
        with suppress(psutil.NoSuchProcess):
            self.victim.send_signal(signal.SIGINT)
        super().heal(stack)


class KillSupervisor(Fault):
    """The parent of all: what it started ends by itself, and the next start goes on."""

    name, is_alone, limit_s = "kill supervisor", True, 30.0

    def inject(self, stack: Stack) -> None:
        """Kill it and start another once everything has ended."""
        children = stack.noted()
        stack.supervisor.kill()
        stack.supervisor.wait()
        until(
            lambda: not any(list(child.remains()) for child in children),
            GONE_S,
            "all that the supervisor started has ended",
        )
        stack.start()


class RestartAll(Fault):
    """The parent told to end: it drains, exits with 0, and is started again."""

    name, is_alone, limit_s = "stop supervisor", True, 30.0

    def inject(self, stack: Stack) -> None:
        """Ask it and start another."""
        stack.supervisor.terminate()
        began = time.monotonic()
        code = stack.supervisor.wait(DRAINED_S)
        if code != os.EX_OK:
            took_s = time.monotonic() - began
            raise Late(f"the supervisor ended with {code} after {took_s:.1f} s")
        stack.start()


FAULTS = (
    *(KillWorker, KillConsumer, KillValkey, KillPostmaster, KillEdge, KillEdgeWorker, KillAdmin),
    *(StopWorker, StopConsumer, StopValkey, StopEdge, StopAdmin, RestartPostgres, StopPostgres),
    *(KillSupervisor, RestartAll),
)
