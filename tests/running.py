"""`ingest up` as a person runs it: a command with a data directory, on ports that are free."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
import psutil
import psycopg
from ingest.local.children import Child
from ingest.local.children import read as read_children
from ingest.local.run_file import RunFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MODULE = ("-P", "-m", "ingest.cli")
INGEST = (sys.executable, *MODULE)
READY_S = 120.0
EVENT_TYPE = "page_view"
#: For requests without TLS: else httpx loads every certificate authority, 39 ms of CPU each time.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# All tests of a system come from one address.
PATIENT = {
    "INGEST_LOG_LEVEL": "debug",
    "INGEST_STRANGERS_PER_MINUTE": "0",
    "INGEST_PROJECTS_PER_MINUTE": "0",
}


def until(is_true: Callable[[], object], timeout_s: float, what: str) -> None:
    """Wait for a condition with a deadline; fails with `what` when it does not come."""
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    """Give a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def event(**fields: object) -> dict[str, object]:
    """Make an event that the built-in schema takes."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"event_type": EVENT_TYPE, "timestamp": now, "properties": {}} | fields


@contextmanager
def directory() -> Iterator[Path]:
    """Make a directory that the servers' account can walk into: pytest's own are 0700."""
    path = Path(tempfile.mkdtemp(prefix="ingest-test-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path)


class Running:
    """One supervisor and what it runs; a context that always ends it."""

    def __init__(
        self,
        data: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        python: str = sys.executable,
    ) -> None:
        """Name the data directory; `user` runs the command, with `python`, when we are root."""
        self.data = data
        self.port, self.admin_port = free_port(), free_port()
        self._arguments = arguments
        self._env = dict(os.environ) | PATIENT | dict(env or {})
        self._user = user
        self._python = python
        self.output = data.parent / f"{data.name}.out"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until run.json is there."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """End it, by force if need be."""
        self.end()

    def start(self) -> None:
        """Start the command and wait until everything is ready."""
        old = self._run_file_id()
        self.spawn()
        until(lambda: self._is_settled(old), READY_S, "ready")
        assert self.supervisor.poll() is None, self.output.read_text()

    def spawn(self) -> None:
        """Start the command and wait for nothing."""
        ports = ("--port", str(self.port), "--admin-port", str(self.admin_port))
        user, group = self._user_and_group
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [self._python, *MODULE, "up", "--data", str(self.data), *ports, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd="/",
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )

    @property
    def supervisor(self) -> subprocess.Popen[bytes]:
        """The command's process."""
        assert self.process is not None
        return self.process

    @property
    def run(self) -> RunFile:
        """What run.json says now."""
        return RunFile.read(self.data / "run.json")

    @property
    def children(self) -> list[psutil.Process]:
        """Everything that it has started and that is still there."""
        return psutil.Process(self.supervisor.pid).children(recursive=True)

    def post(self, *events: dict[str, object], **headers: str) -> httpx.Response:
        """Post events to the native route."""
        return httpx.post(
            f"{self.run.url}/v1/events",
            json={"events": list(events)},
            headers={"X-Api-Key": self.run.api_key} | headers,
            timeout=30,
            verify=NO_TLS,
        )

    def stored(self) -> list[str]:
        """Give the ids of all events in the table."""
        with psycopg.connect(self.run.dsn) as connection:
            return [str(row[0]) for row in connection.execute("SELECT event_id FROM event")]

    def stop(self, number: int = signal.SIGINT, timeout_s: float = 60.0) -> int:
        """Send a signal, wait for the end and give the exit code."""
        self.supervisor.send_signal(number)
        return self.supervisor.wait(timeout_s)

    def end(self) -> None:
        """Drain it; kill what does not end."""
        if self.process is None or self.process.poll() is not None:
            return
        try:
            self.stop(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def logs(self) -> str:
        """Give the end of each log, for a failed test's report."""
        files = [self.output, *sorted((self.data / "log").glob("*.log"))]
        return "\n".join(f"== {file.name}\n{_tail(file)}" for file in files if file.exists())

    def noted(self) -> list[Child]:
        """Give the supervisor's notes of what it started."""
        return read_children(self.data / "children.json")

    def _is_settled(self, old: int | None) -> bool:
        return self._run_file_id() not in {None, old} or self.supervisor.poll() is not None

    def _run_file_id(self) -> int | None:
        """Tell files of two runs apart: a killed supervisor leaves its own behind."""
        try:
            return (self.data / "run.json").stat().st_mtime_ns
        except FileNotFoundError:
            return None

    @property
    def _user_and_group(self) -> tuple[int, int] | tuple[None, None]:
        if self._user is None:
            return None, None
        entry = pwd.getpwnam(self._user)
        return entry.pw_uid, entry.pw_gid


def _tail(file: Path, lines: int = 30) -> str:
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])
