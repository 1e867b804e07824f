"""The baseline as a system under test, on the same embedded servers as the product.

Valkey is set to appendfsync everysec, as in the original.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

import psycopg
import redis
from ingest.listener import LOOPBACK
from ingest.local.data_dir import DataDir
from ingest.local.postgres import EmbeddedPostgres
from ingest.local.process import Command, Process
from ingest.local.valkey import EmbeddedValkey
from ingest.store.keys import generate

from bench.baseline.entries import GROUP, MAX_ENTRIES, PROCESSED, READ_ENTRIES, STREAM
from bench.machine import ROOT
from bench.system import PLANS, Buffered, free_ports, server_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES = Path(__file__).with_name("tables.sql")
START_S = 60.0


class Baseline:
    """See `bench.system.System`."""

    def __init__(self, directory: Path, name: str = "baseline", **settings: str) -> None:
        """Use `directory`, which is emptied at each start; `settings` go into the environment."""
        self.name = name
        self.promises_fsync = False
        self._directory = directory
        self._chosen = settings
        self._port = 0
        self._processes: list[Process] = []
        self._client: redis.Redis | None = None
        self.keys: Sequence[str] = ()
        self.dsn = ""

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Start servers, tables, API and worker."""
        shutil.rmtree(self._directory, ignore_errors=True)
        home = DataDir(self._directory)
        postgres, valkey = EmbeddedPostgres(home), EmbeddedValkey(home)
        self._begin(postgres)
        self._begin(valkey)
        self.dsn = postgres.dsn
        self._client = redis.Redis.from_url(valkey.url)
        self._client.config_set("appendfsync", "everysec")
        self._make_tables()
        (self._port,) = free_ports(1)
        given = {"BASELINE_DSN": postgres.dsn, "BASELINE_VALKEY": valkey.url}
        chosen = {f"BASELINE_{key.upper()}": value for key, value in self._chosen.items()}
        env = {**os.environ, **chosen, **given}
        self._begin(_Worker(home, env))
        self._begin(_Api(home, env, self._port))

    def stop(self, *, at_once: bool = False) -> None:
        """End everything, the servers last."""
        while self._processes:
            self._processes[-1].stop(1.0 if at_once else 30.0)
            self._processes.pop()

    def settings(self) -> dict[str, str]:
        """Give how keys are found, how much is read and kept, and the servers' settings."""
        own = {"keys": "memory", "processes": "1", "entries_kept": str(MAX_ENTRIES),
               "entries_read": str(READ_ENTRIES)}  # fmt: skip
        return own | self._chosen | server_settings(self.dsn, self._valkey)

    def pids(self) -> dict[str, int]:
        """Name the processes as the product names the same parts."""
        return {one.name: one.pid for one in self._processes if one.pid is not None}

    def accepted(self) -> int:
        """Count entries ever added: one is one event."""
        return int(self._info()["entries-added"])

    def settled(self) -> int:
        """Count entries that were acknowledged, or trimmed before anybody read them."""
        groups: Any = self._valkey.xinfo_groups(STREAM)
        group = next(one for one in groups if one["name"] == GROUP.encode())
        stream: Any = self._info()
        processed: Any = self._valkey.get(PROCESSED)
        added, gone = int(stream["entries-added"]), int(stream["entries-added"] - stream["length"])
        if group["last-delivered-id"] == stream["last-generated-id"] and not group["pending"]:
            return added
        return max(int(processed or 0), gone)

    def buffered(self) -> Buffered:
        """Measure the one stream."""
        used: Any = self._valkey.memory_usage(STREAM, samples=0)
        return Buffered(int(self._info()["length"]), int(used))

    @property
    def _valkey(self) -> redis.Redis:
        if self._client is None:
            raise RuntimeError("the baseline was not started")
        return self._client

    def _info(self) -> Any:
        return self._valkey.xinfo_stream(STREAM)

    def _begin(self, process: Process) -> None:
        process.prepare()
        process.start()
        self._processes.append(process)
        process.wait_ready(START_S)

    def _make_tables(self) -> None:
        self.keys = [generate("bench") for _ in PLANS]
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(TABLES.read_bytes())
            for index, (plan, key) in enumerate(zip(PLANS, self.keys, strict=True)):
                connection.execute(
                    "INSERT INTO project (project_id, name, plan, api_key) VALUES (%s,%s,%s,%s)",
                    (uuid4(), f"bench-{index}", plan, key),
                )


class _Api(Process):
    """granian with one process."""

    death_signal: ClassVar[signal.Signals] = signal.SIGTERM  # SIGKILL would leave its child

    def __init__(self, home: DataDir, env: dict[str, str], port: int) -> None:
        super().__init__("api", home)
        self._env = env
        self._port = port

    def prepare(self) -> None:
        """Need nothing on disk."""

    def command(self) -> Command:
        """Serve ASGI on uvloop with one worker, no access log."""
        at = ("--host", LOOPBACK, "--port", str(self._port), "--backlog", "4096")
        how = ("--interface", "asgi", "--workers", "1", "--loop", "uvloop", "--no-ws")
        argv = [sys.executable, "-m", "granian", *at, *how, "bench.baseline.app:app"]
        return Command(argv, ROOT, self._env)

    def is_ready(self) -> bool:
        """Ask for its health."""
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=1.0)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class _Worker(Process):
    """The process that stores; it needs no readiness, entries wait for it."""

    def __init__(self, home: DataDir, env: dict[str, str]) -> None:
        super().__init__("consumer-0", home)
        self._env = env

    def prepare(self) -> None:
        """Need nothing on disk."""

    def command(self) -> Command:
        """Run the module."""
        return Command([sys.executable, "-m", "bench.baseline.worker"], ROOT, self._env)

    def is_ready(self) -> bool:
        """Say yes while it runs: the API alone is asked."""
        return self.pid is not None
