"""One child process: started, asked whether it is ready, stopped. Knows no other process.

Its life is tied to ours (death signal), it leads a process group, and its output goes to a log.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ingest.errors import IngestError
from ingest.local.process_log import ProcessLog

if TYPE_CHECKING:
    from ingest.local.account import Account
    from ingest.local.data_dir import DataDir

SPAWN = Path(__file__).with_name("spawn.py")
POLL_S = 0.02
REASON = re.compile(r"\b(FATAL|PANIC|ERROR|emerg|error):?\b")
NOFILE = 4096


class StartError(IngestError):
    """A process ended, or was not ready in time; the text ends with its last log lines."""


@dataclass(frozen=True)
class Command:
    """A program to become; the environment is whole, secrets go there and never into argv."""

    argv: list[str]
    cwd: Path
    env: dict[str, str] = field(default_factory=dict, repr=False)
    account: Account | None = None
    nofile: int = NOFILE


class Process(ABC):
    """A named child; the policy of restarts is the supervisor's."""

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    force_signal: ClassVar[signal.Signals] = signal.SIGKILL
    death_signal: ClassVar[signal.Signals] = signal.SIGKILL
    # For programs of others what `ingest.scheduling` is for ours.
    is_batch: ClassVar[bool] = True

    def __init__(self, name: str, home: DataDir) -> None:
        """Name it; `home` holds its log."""
        self.name = name
        self.home = home
        self._child: subprocess.Popen[bytes] | None = None
        self._log: ProcessLog | None = None

    @abstractmethod
    def command(self) -> Command:
        """What to run now."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Ask the running process by its own protocol; at most a second."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what the process needs on disk; may take seconds the first time."""

    @property
    def is_silent(self) -> bool:
        """Tell whether it runs and does nothing any more; most can't be asked."""
        return False

    @property
    def pid(self) -> int | None:
        """The process id, None before the first start and after the end."""
        return None if self._child is None or self._child.poll() is not None else self._child.pid

    @property
    def person_needed(self) -> str:
        """Why it can't be ready until a person acts, in its own words; empty as far as is known."""
        return ""

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return None if self._child is None else self._child.poll()

    def start(self) -> None:
        """Start the child, after what is left of the last one; it is not ready yet."""
        self.kill()
        command = self.command()
        log = self._open_log()
        self._child = subprocess.Popen(
            shim(command, self.death_signal, is_batch=self.is_batch),
            cwd=command.cwd,
            env=command.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if self._child.stdout is not None:
            log.follow(self._child.stdout)

    def wait_ready(self, timeout_s: float) -> None:
        """Block until it answers; StartError when it ends first or takes longer."""
        deadline = time.monotonic() + timeout_s
        while not self.is_ready():
            if self.pid is None:
                raise StartError(f"{self.name} ended with {self.exit_code}{self.last_words()}")
            if time.monotonic() > deadline:
                raise StartError(f"{self.name} not ready in {timeout_s:g} s{self.last_words()}")
            time.sleep(POLL_S)

    def signal(self, number: int) -> None:
        """Send one signal to the process itself; nothing if it has ended."""
        if self._child is not None:
            self._child.send_signal(number)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ask it to end, then force it and what is left of its group."""
        if self._child is None:
            return
        self.signal(self.stop_signal)
        if not self.wait_ended(timeout_s):
            self.signal(self.force_signal)
            self.wait_ended(1.0)
        self.kill()

    def wait_ended(self, timeout_s: float) -> bool:
        """Block until it has ended; False when it has not."""
        if self._child is not None:
            try:
                self._child.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return False
        return True

    def kill(self) -> None:
        """End the whole group at once; also sweeps up what a dead leader left behind."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM when empty
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        if self._log is not None:
            self._log.finish()

    def last_words(self) -> str:
        """Give the newest log lines, for an error's text; empty when there are none."""
        if self._log is None:
            return ""
        self._log.finish(0.2)
        return "".join(f"\n  {line}" for line in self._log.tail[-5:])

    def newest_line(self) -> str:
        """Give the last line that it has logged; empty when there is none."""
        return self._log.tail[-1] if self._log is not None and self._log.tail else ""

    def _open_log(self) -> ProcessLog:
        if self._log is None:
            bounds = self.home.logs
            path = self.home.log / f"{self.name}.log"
            self._log = ProcessLog(path, bounds.max_bytes, bounds.backups)
        return self._log


def shim(command: Command, death_signal: int, *, is_batch: bool = False) -> list[str]:
    """Wrap a command so that it gives up root and ends with us; see sched(7) for SCHED_BATCH."""
    account = command.account
    uid, gid = (account.uid, account.gid) if account else (os.geteuid(), os.getegid())
    numbers = (os.getpid(), int(death_signal), command.nofile, int(is_batch), uid, gid)
    return [sys.executable, "-I", "-S", str(SPAWN), *map(str, numbers), *command.argv]


def run_to_end(command: Command, text: str = "", timeout_s: float = 120.0) -> str:
    """Run a program of a wheel to its end and give its output; StartError if it fails."""
    done = subprocess.run(
        shim(command, signal.SIGKILL),
        cwd=command.cwd,
        env=command.env,
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        check=False,
        start_new_session=True,
    )
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        program = Path(command.argv[0]).name
        raise StartError(f"{program} failed with {done.returncode}: {_reason(output)}")
    return output


def _reason(output: str) -> str:
    """Pick the line that says why: the first that names itself an error, else the last."""
    lines = output.strip().splitlines() or ["it said nothing"]
    return next((line for line in lines if REASON.search(line)), lines[-1])
