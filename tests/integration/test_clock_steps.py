"""The servers' clock is put forward and back under them: nothing lost, and shards find an owner."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ingest.local.data_dir import DataDir
from ingest.local.postgres import EmbeddedPostgres
from ingest.local.process import Process
from ingest.local.valkey import EmbeddedValkey
from ingest.store.migrations import migrate

from tests.integration.consuming import Child, Worker, consuming, settings
from tests.running import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.process import Command
    from ingest.settings import Settings

FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
FOUND = [path for folder in FOLDERS if (path := Path(folder, "faketime/libfaketime.so.1")).exists()]
START_S = 60.0
HOUR_S = 3600

pytestmark = pytest.mark.skipif(not FOUND, reason="libfaketime is not installed")


class Clock:
    """What a file says how far the servers' clock is off; they look at each call."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.put(0)

    def put(self, seconds: int) -> None:
        """Put it so far off the machine's."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.chmod(0o644)
        new.rename(self._file)

    def around(self, command: Command) -> Command:
        """Let a server live by it, from when it has its own account: the library keeps files."""
        told = (
            f"LD_PRELOAD={FOUND[0]}",
            f"FAKETIME_TIMESTAMP_FILE={self._file}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )
        return replace(command, argv=["/usr/bin/env", *told, *command.argv])


class Postgres(EmbeddedPostgres):
    """PostgreSQL with the clock."""

    clock: Clock

    def command(self) -> Command:
        return self.clock.around(super().command())


class Valkey(EmbeddedValkey):
    """Valkey with the clock."""

    clock: Clock

    def command(self) -> Command:
        return self.clock.around(super().command())


@pytest.fixture
def clock(base: Path) -> Clock:
    return Clock(base / "clock")


@pytest.fixture
def given(base: Path, clock: Clock) -> Iterator[Settings]:
    home = DataDir(base / "data")
    postgres, valkey = Postgres(home), Valkey(home)
    valkey.clock = postgres.clock = clock
    servers: list[Process] = [valkey, postgres]
    started: list[Process] = []
    try:
        for server in servers:
            server.prepare()
            server.start()
            started.append(server)
            server.wait_ready(START_S)
        migrate(postgres.dsn)
        yield settings(postgres.dsn, valkey.url)
    finally:
        for server in started:
            server.stop()


@pytest.fixture
def worker(given: Settings) -> Iterator[Worker]:
    worker = Worker(str(given.valkey_url), str(given.database_url))
    yield worker
    worker.close()


def now_s(worker: Worker) -> int:
    """Ask PostgreSQL."""
    return int(str(worker.query("SELECT extract(epoch FROM clock_timestamp())::int")[0][0]))


def test_steps_lose_and_double_nothing(given: Settings, worker: Worker, clock: Clock) -> None:
    before = now_s(worker)
    with consuming(given):
        for step_s in (0, HOUR_S, -HOUR_S, 0):
            clock.put(step_s)
            assert abs(now_s(worker) - before - step_s) < HOUR_S / 2, "the clock is not put"
            worker.fill(20)
            worker.wait_settled()
        worker.verify_empty()
    worker.verify()


def test_a_killed_consumers_shards_do_not_wait_for_an_hour_to_come_again(
    given: Settings, worker: Worker, clock: Clock
) -> None:
    with consuming(given):
        pass
    child = Child(given)
    try:
        child.wait_ready()
        worker.fill(5)
        worker.wait_settled()
        child.process.kill()
        clock.put(-HOUR_S)
    finally:
        child.end()
    worker.fill(5)
    with consuming(given):
        until(lambda: worker.fates().total() >= worker.accepted, 10, "another one has taken over")
    worker.verify()


def test_both_servers_tell_the_same_time(worker: Worker, clock: Clock) -> None:
    """What the other tests rest on."""
    clock.put(-HOUR_S)
    seconds, _ = worker.client.time()
    assert abs(now_s(worker) - int(seconds)) < HOUR_S / 2
