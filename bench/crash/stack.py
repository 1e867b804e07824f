"""The system under test: `ingest up` as a person runs it, started again when it was killed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Self

import psutil
from ingest.errors import NeedsPerson
from ingest.local.children import read as read_children
from ingest.local.run_file import RunFile
from ingest.local.strays import is_alive

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ingest.local.children import Child

    from bench.crash.servers import Servers

READY_S = 120.0
STOP_S = 90.0
AUDIT_S = 120.0
POLL_S = 0.02
WORKERS = 2
#: With two, one takes over from the other.
CONSUMERS = 2


class Late(Exception):
    """Something did not happen in its time."""


def until(is_true: Callable[[], object], timeout_s: float, what: str) -> None:
    """Wait for a condition; Late when it does not come."""
    deadline = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > deadline:
            raise Late(f"not within {timeout_s:g} s: {what}")
        time.sleep(POLL_S)


class Stack:
    """One supervisor and what it runs; a context that always ends it."""

    def __init__(self, home: Path, servers: Servers | None = None) -> None:
        """Keep everything under `home`; `servers` are used in the place of embedded ones."""
        self.servers = servers
        #: A context in which clients stand still; the load puts its own here.
        self.paused: Callable[[], AbstractContextManager[None]] = nullcontext
        self.data = home / "data"
        self.output = home / "up.log"
        self._ports = free_port(), free_port()
        self._environment = dict(os.environ) | (servers.environment if servers else {})
        self._supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until everything is ready."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """End it, by force if need be."""
        if self._supervisor is None or self._supervisor.poll() is not None:
            return
        self._supervisor.terminate()
        try:
            self._supervisor.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()

    def start(self) -> None:
        """Start the command and wait until everything is ready."""
        before = self._written_at()
        port, admin_port = self._ports
        ports = ("--port", str(port), "--admin-port", str(admin_port))
        parts = ("--workers", str(WORKERS), "--consumers", str(CONSUMERS))
        argv = [sys.executable, "-P", "-m", "ingest.cli", "up", "--data", str(self.data)]
        with self.output.open("ab") as output:
            self._supervisor = subprocess.Popen(
                [*argv, *ports, *parts],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd="/",
            )
        until(lambda: self._is_settled(before), READY_S, "run.json")
        if self.supervisor.poll() is not None:
            raise Late(f"`ingest up` ended with {self.supervisor.returncode}: see {self.output}")

    @property
    def url(self) -> str:
        """Where clients post, also while nothing runs."""
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def supervisor(self) -> subprocess.Popen[bytes]:
        """The command's process."""
        assert self._supervisor is not None
        return self._supervisor

    @property
    def run(self) -> RunFile:
        """What run.json says now; NeedsPerson while it is not there."""
        return RunFile.read(self.data / "run.json")

    def process(self, name: str) -> psutil.Process:
        """Give a running part by its name in run.json."""
        return psutil.Process(self.run.pids[name])

    def names(self, part: str) -> list[str]:
        """Give the names of all parts of a kind: worker-0, worker-1."""
        return sorted(name for name in self.run.pids if name.partition("-")[0] == part)

    def audit(self) -> str:
        """Give the verdict of `ingest audit`; what it said instead when it gave none."""
        argv = [sys.executable, "-P", "-m", "ingest.cli", "audit", "--json"]
        done = subprocess.run(
            [*argv, "--data", str(self.data)],
            env=self._environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=AUDIT_S,
            check=False,
        )
        try:
            return str(json.loads(done.stdout)["verdict"])
        except ValueError:
            return f"exit {done.returncode}: {done.stderr.strip()[-300:]}"

    def is_whole(self) -> bool:
        """Tell whether all parts run and run.json names them."""
        if self.supervisor.poll() is not None:
            return False
        try:
            pids = self.run.pids
        except NeedsPerson:
            return False
        return all(_runs(pid) for pid in pids.values()) and self._noted() >= pids.items()

    def noted(self) -> list[Child]:
        """Give the supervisor's notes of what it started."""
        return read_children(self.data / "children.json")

    def _noted(self) -> set[tuple[str, int]]:
        return {(child.name, child.pid) for child in self.noted()}

    def _is_settled(self, before: int | None) -> bool:
        return self._written_at() not in {None, before} or self.supervisor.poll() is not None

    def _written_at(self) -> int | None:
        """Tell files of two runs apart: a killed supervisor leaves its own behind."""
        try:
            return (self.data / "run.json").stat().st_mtime_ns
        except FileNotFoundError:
            return None


def free_port() -> int:
    """Give a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _runs(pid: int) -> bool:
    try:
        return is_alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False
