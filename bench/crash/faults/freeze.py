"""Processes that stand still for seconds (SIGSTOP) and then go on as if nothing had been."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

import psutil
import psycopg

from bench.crash.faults import database
from bench.crash.faults.fault import Fault, NotInjected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.crash.stack import Stack


class Freeze(Fault):
    """Stops some processes, and continues them in the end."""

    hold_s = (1.0, 8.0)
    part: ClassVar[str]

    def inject(self, stack: Stack) -> None:
        """Stop them."""
        self._frozen: list[psutil.Process] = []
        for process in self.targets(stack):
            with suppress(psutil.NoSuchProcess):
                process.suspend()
                self._frozen.append(process)

    def heal(self, stack: Stack) -> None:  # noqa: ARG002
        """Let them go on."""
        for process in self._frozen:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def targets(self, stack: Stack) -> Iterable[psutil.Process]:
        """Choose one process of the kind."""
        return [stack.process(self.rng.choice(stack.names(self.part)))]


class FreezeValkey(Freeze):
    """The stream's server; longer than a worker repeats an append, at times."""

    name, part = "freeze Valkey", "valkey"


class FreezeWorker(Freeze):
    """A worker; the edge does not know it."""

    name, part, limit_s = "freeze worker", "worker", 20.0


class FreezeEdge(Freeze):
    """nginx's master and workers."""

    name, part = "freeze edge", "edge"

    def targets(self, stack: Stack) -> Iterable[psutil.Process]:
        """Choose all of them."""
        master = stack.process("edge")
        return [master, *master.children()]


class FreezePostgres(Freeze):
    """The postmaster and every backend."""

    name, part = "freeze PostgreSQL", "postgres"

    def targets(self, stack: Stack) -> Iterable[psutil.Process]:
        """Choose all of them."""
        postmaster = stack.process("postgres")
        return [postmaster, *postmaster.children()]


class FreezeBackend(Freeze):
    """The backend that a consumer writes through."""

    name, hold_s = "freeze backend", (2.0, 8.0)

    def targets(self, stack: Stack) -> Iterable[psutil.Process]:
        """Choose one backend of a consumer."""
        backends = database.consumer_backends(stack)
        return [psutil.Process(self.rng.choice(backends))]


class FreezeConsumer(Freeze):
    """A consumer in the middle of a COPY, if one can be caught; another takes its shards."""

    name, part = "freeze consumer", "consumer"
    hold_s, is_overcome, is_alone = (0.0, 0.0), True, True

    def targets(self, stack: Stack) -> Iterable[psutil.Process]:
        """Choose the one that copies now."""
        with suppress(psycopg.Error, NotInjected):
            return [psutil.Process(database.copying_consumer(stack))]
        return super().targets(stack)


FAULTS = (FreezeValkey, FreezeWorker, FreezeEdge, FreezePostgres, FreezeBackend, FreezeConsumer)
