"""Runs a stack: starts it in order, keeps it running, drains it in order.

Signals are a contract: SIGINT, SIGTERM or SIGHUP once drains and exits 0; once more forces.
Runs in the main thread, because the death signal of a child is tied to the thread that made it.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ingest import log, readiness, roster
from ingest.local import private_file
from ingest.local.due import Due
from ingest.local.guard import Guard
from ingest.local.patience import Patience
from ingest.local.restarts import Policy
from ingest.local.supervised import State, Supervised
from ingest.roster import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ingest.local.process import Process
    from ingest.local.run_file import RunFile
    from ingest.local.stack import Stack, Stage

LOG = log.get(__name__)
TICK_S = 0.05
START_TICK_S = 0.01
SERVER_STOP_S = 30.0  # PostgreSQL writes a checkpoint, Valkey syncs
EXIT_DRAINED, EXIT_INTERRUPTED = 0, 130
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """A signal asked to stop before everything was ready."""


class Supervisor:
    """The only owner of a data directory's processes; its caller holds the lock."""

    def __init__(self, stack: Stack, version: str, tell: Callable[[str], None]) -> None:
        """Supervise `stack`; `tell` hears what a person may wait for."""
        self._stack = stack
        self._version = version
        self._tell = tell
        self._guard = Guard(stack.home)
        self._children: list[Supervised] = []
        self._leaving: set[str] = set()
        self._listed = [worker.port for worker in stack.workers]
        self._due = Due()
        self._members: list[Member] = []
        self._asked = 0

    def run(self, ready: Callable[[RunFile], None]) -> int:
        """Run until a signal; `ready` is called once. Gives the exit code.

        Raises IngestError or OSError when it can't start; everything is stopped then.
        """
        with self._signals():
            try:
                self._start()
                ready(self._write_run_file())
                self._watch()
            except Interrupted:
                return EXIT_INTERRUPTED
            finally:
                self._stop()
        return EXIT_DRAINED if self._asked == 1 else EXIT_INTERRUPTED

    def _start(self) -> None:
        for stage in self._stack.stages():
            self._tell(f"starting {stage.title}")
            self._start_stage(stage)

    def _start_stage(self, stage: Stage) -> None:
        patience = Patience(stage.title, self._tell, time.monotonic())
        started = [self._start_process(process) for process in stage.processes]
        while any(child.state is not State.READY for child in started):
            for child in started:
                child.step(time.monotonic())
            patience.check(started, time.monotonic())
            self._pause(START_TICK_S)
        stage.afterwards()
        self._pause(0)

    def _start_process(self, process: Process) -> Supervised:
        settings = self._stack.settings
        child = Supervised(process, settings.start_timeout_s, Policy())
        process.prepare()
        self._children.append(child)
        child.start(time.monotonic())
        self._note()
        return child

    def _watch(self) -> None:
        while not self._asked:
            now = time.monotonic()
            pids = [child.process.pid for child in self._children]
            replaced = [child for child in self._children if child.step(now)]
            if pids != [child.process.pid for child in self._children]:
                self._due.add("children.json", self._note)
            for child in replaced:
                LOG.info("process is ready again", process=child.process.name)
            if replaced:
                self._due.add("run.json", self._write_run_file)
            self._steer()
            self._call_roll()
            self._due.settle()
            time.sleep(TICK_S)

    def _call_roll(self) -> None:
        """Write down who runs, when that has changed."""
        members = [child.member for child in self._children]
        members.append(Member("supervisor", State.READY.value, os.getpid(), 0))
        if members != self._members:
            self._members = members
            text = roster.encode(members)
            self._due.add(
                roster.FILE, lambda: private_file.write(self._stack.home.roster_file, text)
            )

    def _steer(self) -> None:
        """Keep workers that are about to stop out of the edge's list until they are back."""
        ready = {child.process.name for child in self._children if child.state is State.READY}
        for worker in self._stack.workers:
            if worker.is_stopping:
                self._leaving.add(worker.name)
            elif worker.name in ready:
                self._leaving.discard(worker.name)
        wanted = [worker.port for worker in self._stack.workers if worker.name not in self._leaving]
        if wanted != self._listed:
            self._listed = wanted
            self._due.add("edge.conf", lambda: self._stack.edge.send_to(wanted))

    def _stop(self) -> None:
        """Drain: nothing new comes in, what is in flight ends, then each part in order."""
        self._tell("stopping")
        readiness.notify(readiness.STOPPING)
        timeout_s = self._stack.settings.drain_timeout_s
        self._shut_out(timeout_s)
        for processes in self._stack.stop_order():
            embedded = any(
                process in (self._stack.valkey, self._stack.postgres) for process in processes
            )
            self._stop_together(processes, SERVER_STOP_S if embedded else timeout_s)
        self._guard.close()

    def _shut_out(self, timeout_s: float) -> None:
        """Let nothing new in; a disk on which that can't be written is no reason not to stop."""
        edge = self._stack.edge
        try:
            self._stack.home.run_file.unlink(missing_ok=True)
            self._stack.home.roster_file.unlink(missing_ok=True)
            if edge.pid is not None:
                edge.drain()
                self._until(edge.is_reloaded, timeout_s)
        except OSError as error:
            LOG.warning("the edge can't be drained", reason=str(error))

    def _stop_together(self, processes: Sequence[Process], timeout_s: float) -> None:
        for process in processes:
            process.signal(process.stop_signal)
        self._until(lambda: all(process.pid is None for process in processes), timeout_s)
        for process in processes:
            if process.pid is not None:
                LOG.warning("process did not stop in time and is ended", process=process.name)
            process.stop(0)

    def _until(self, is_done: Callable[[], bool], timeout_s: float) -> None:
        """Wait for `is_done`, the deadline, or a signal that forces."""
        deadline = time.monotonic() + timeout_s
        while not is_done() and self._asked < 2 and time.monotonic() < deadline:  # noqa: PLR2004
            time.sleep(START_TICK_S)

    def _pause(self, seconds: float) -> None:
        if self._asked:
            raise Interrupted
        time.sleep(seconds)

    def _note(self) -> None:
        self._guard.note(child.process for child in self._children)

    def _write_run_file(self) -> RunFile:
        run_file = self._stack.run_file(self._version)
        run_file.write(self._stack.home.run_file)
        return run_file

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, _number: int, _frame: object) -> None:
        self._asked += 1
