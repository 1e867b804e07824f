"""The product as a system under test: `ingest up`, as a person starts it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import redis
from ingest.local.process import Command, shim
from ingest.local.run_file import RunFile
from ingest.settings import PREFIX, table
from ingest.store import session
from ingest.store.survey import STORED
from ingest.stream.shards import accepted_key, stream_key

from bench import projects
from bench.machine import ROOT
from bench.system import Buffered, free_ports, server_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ingest.store.session import Connection

START_S = 120.0
STOP_S = 60.0
#: Before a second SIGINT, which forces.
FORCE_S = 1.0
#: After it.
AT_ONCE_S = 10.0
POLL_S = 0.05
#: Settings that say nothing about speed.
PLACES = {"data_dir", "port", "admin_port"}
SHARDS = 4


class NotEndedError(RuntimeError):
    """The product did not drain and end; it was killed."""


class Product:
    """See `bench.system.System`."""

    def __init__(self, directory: Path, name: str = "ingest", **settings: str) -> None:
        """Use `directory`, which is emptied at each start; `settings` differ from the defaults."""
        self.name = name
        self.promises_fsync = True
        self.keys: Sequence[str] = ()
        self._directory = directory
        self._log = directory.with_suffix(".log")
        self._settings: Mapping[str, str] = settings
        self._child: subprocess.Popen[bytes] | None = None
        self._run: RunFile | None = None
        self._valkey: redis.Redis | None = None
        self._database: Connection | None = None

    @property
    def url(self) -> str:
        """The edge."""
        return self._running.url

    @property
    def dsn(self) -> str:
        """The database as its owner."""
        return self._running.dsn

    def start(self) -> None:
        """Run `ingest up` with free ports until it is ready, and make the six projects."""
        shutil.rmtree(self._directory, ignore_errors=True)
        port, admin_port = free_ports(2)
        ports = {"port": str(port), "admin_port": str(admin_port)}
        given = {"data_dir": str(self._directory), **ports, **self._settings}
        env = os.environ | {PREFIX + name.upper(): value for name, value in given.items()}
        nofile, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        argv = [sys.executable, "-m", "ingest.cli", "up"]
        up = Command(argv, ROOT, env, nofile=nofile)
        with self._log.open("wb") as log:
            # It ends with this thread, the main one, however that ends.
            self._child = subprocess.Popen(
                shim(up, signal.SIGTERM), env=env, cwd=ROOT, stdout=log, stderr=log
            )
        self._run = self._wait_ready()
        self._valkey = redis.Redis.from_url(self._run.valkey_url)
        self._database = session.connect(self._run.dsn, "bench")
        self.keys = projects.make(self._run.dsn, self._run.url)

    def stop(self, *, at_once: bool = False) -> None:
        """Drain and end it, or end it without draining.

        What takes too long is killed; NotEndedError when it was to drain.
        """
        for connection in (self._database, self._valkey):
            if connection is not None:
                connection.close()
        child = self._child
        if child is None:
            return
        child.send_signal(signal.SIGINT)
        if at_once and not _has_ended(child, FORCE_S):
            child.send_signal(signal.SIGINT)
        if not _has_ended(child, AT_ONCE_S if at_once else STOP_S):
            child.kill()
            child.wait()
            if not at_once:
                raise NotEndedError(f"`ingest up` did not end within {STOP_S:g} s")

    def settings(self) -> dict[str, str]:
        """Give all that isn't secret: the defaults, what differs from them, and the servers'."""
        known = {row.name: row.default for row in table() if row.default}
        found = {**known, **self._settings, **server_settings(self.dsn, self._stream)}
        return {name: value for name, value in found.items() if name not in PLACES}

    def pids(self) -> dict[str, int]:
        """Name all parts, the supervisor too."""
        path = self._directory / "run.json"
        child = {"supervisor": self._child.pid} if self._child is not None else {}
        return RunFile.read(path).pids | child

    def accepted(self) -> int:
        """Add up what workers counted in the same transaction as they appended."""
        hashes: list[Any] = [self._stream.hvals(accepted_key(shard)) for shard in range(SHARDS)]
        return sum(int(count) for values in hashes for count in values)

    def settled(self) -> int:
        """Add up the ledger: it moves in the transaction that stores."""
        if self._database is None:
            raise RuntimeError("the system was not started")
        row = self._database.execute(STORED).fetchone()
        return sum(row) if row else 0

    def buffered(self) -> Buffered:
        """Measure the shards; exact only while the consumer doesn't work."""
        sizes: list[Any] = [
            self._stream.memory_usage(stream_key(shard), samples=0) for shard in range(SHARDS)
        ]
        return Buffered(self.accepted() - self.settled(), sum(size or 0 for size in sizes))

    @property
    def _running(self) -> RunFile:
        if self._run is None:
            raise RuntimeError("the system was not started")
        return self._run

    @property
    def _stream(self) -> redis.Redis:
        if self._valkey is None:
            raise RuntimeError("the system was not started")
        return self._valkey

    def _wait_ready(self) -> RunFile:
        path, deadline = self._directory / "run.json", time.monotonic() + START_S
        while not path.exists():
            if self._child is None or self._child.poll() is not None:
                raise RuntimeError(f"`ingest up` ended:\n{self._log.read_text()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"`ingest up` is not ready after {START_S:g} s")
            time.sleep(POLL_S)
        return RunFile.read(path)


def _has_ended(child: subprocess.Popen[bytes], timeout_s: float) -> bool:
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True
