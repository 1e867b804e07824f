"""A consumer between two real servers: what went in is remembered, what came out is compared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import redis
from ingest._native import Chunk
from ingest.consumer.loop import Consumer
from ingest.settings import Settings
from ingest.stream.shards import AcceptedField, accepted_key, stream_key

from tests.running import until
from tests.unit.consumer import entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ingest._native import Batch

SHARDS = 2
DRAIN_S = 60.0
READY_S = 30.0
CHILD = "tests.integration.consumer_child"


def settings(dsn: str, valkey_url: str, **changes: object) -> Settings:
    """Make a consumer's settings; the lease is short, so that take-overs take seconds."""
    given: dict[str, Any] = {
        "database_url": dsn,
        "valkey_url": valkey_url,
        "shards": SHARDS,
        "lease_s": 2,
        "partitions_back_days": 3,
    }
    return Settings.load(**(given | changes))


@contextmanager
def consuming(given: Settings, ready_s: float = READY_S) -> Iterator[threading.Event]:
    """Run a consumer on a thread until the block ends or the event is set; raise its errors."""
    stop, ready = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            Consumer(given, ready.set).run(stop)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(ready_s), "not ready"
        yield stop
    finally:
        stop.set()
        thread.join(READY_S)
        assert not thread.is_alive()
        for failure in failures:
            raise failure


class Child:
    """A consumer as a process, which can be killed, also at a named point of its work."""

    def __init__(
        self, given: Settings, point: str = "", nth: int = 1, number: int = signal.SIGKILL
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", CHILD, point, str(nth), str(int(number))],
            env=given.environment() | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
        )

    def wait_ready(self) -> None:
        """Wait until it reads."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def wait_killed(self, meanwhile: Callable[[], None]) -> None:
        """Do something again and again until it has killed itself."""
        deadline = time.monotonic() + READY_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it was not killed"
            meanwhile()
            time.sleep(0.02)
        assert self.process.returncode == -signal.SIGKILL

    def end(self) -> None:
        """End it if it is still there, frozen or not."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Worker:
    """Appends as a worker does, and remembers what it was told is stored."""

    def __init__(self, valkey_url: str, dsn: str) -> None:
        self.client = redis.Redis.from_url(valkey_url, protocol=2)
        self._dsn = dsn
        self.accepted = 0
        self.ids: set[bytes] = set()

    def append(self, shard: int, *batches: Batch, times: int = 1) -> list[str]:
        """Append one entry of some batches, more than once if an answer was lost; give its ids."""
        packed = entries.entry(*batches)
        made = [self._append(shard, packed, batches) for _ in range(times)]
        self.ids.update(event_id for batch in batches for event_id in batch.event_ids)
        return made

    def append_at(self, shard: int, entry_id: str, made: Batch) -> None:
        """Append an entry under an id of choice."""
        header, data = entries.entry(made)
        words = ("XADD", stream_key(shard), entry_id, "h", header, "d", data)
        self.client.execute_command(*words)  # type: ignore[no-untyped-call]
        self.accepted += made.rows
        self.ids.update(made.event_ids)

    def fill(self, count: int, rows: int = 50) -> None:
        """Append so many entries, a third of them with ids that may repeat, over all shards."""
        for number in range(count):
            key = f"key {number}" if number % 3 == 0 else None
            batch = entries.batch(rows, key=key, days_ago=number % 3)
            self.append(number % SHARDS, batch, times=2 if number % 10 == 0 else 1)

    def wait_settled(self) -> None:
        """Wait until each accepted row has its fate in the ledger."""
        until(lambda: self.fates().total() >= self.accepted, DRAIN_S, f"{self.accepted} settled")

    def fates(self) -> Counter[str]:
        """Sum up the ledger."""
        return Counter(
            dict(
                zip(
                    ("stored", "duplicates", "dead"),
                    self.query(
                        "SELECT coalesce(sum(stored), 0)::int, coalesce(sum(duplicates), 0)::int,"
                        " coalesce(sum(dead), 0)::int FROM ledger"
                    )[0],
                    strict=True,
                )
            )
        )

    def query(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """Ask the database over a connection of its own."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            return connection.execute(statement, parameters).fetchall()

    def execute(self, statement: str, *parameters: object) -> None:
        """Change the database."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(statement, parameters or None)

    def verify(self, dead: Sequence[bytes] = ()) -> None:
        """Compare: no acknowledged event is missing, none is there twice, and the ledger agrees."""
        stored = [row[0].bytes for row in self.query("SELECT event_id FROM event")]  # type: ignore[attr-defined]
        assert Counter(stored) == Counter(self.ids - set(dead))
        fates = self.fates()
        assert fates.total() == self.accepted
        assert (fates["stored"], fates["dead"]) == (len(stored), len(dead))
        assert fates.total() == sum(self._counted().values())

    def verify_empty(self) -> None:
        """Wait until nothing that is stored is still held by the stream."""
        keys = [stream_key(shard) for shard in range(SHARDS)]
        until(lambda: not any(map(self.client.xlen, keys)), 10, "trimmed")

    def close(self) -> None:
        """End the connection."""
        self.client.close()

    def _append(self, shard: int, packed: tuple[bytes, bytes], batches: Sequence[Batch]) -> str:
        header, data = packed
        rows = sum(batch.rows for batch in batches)
        with self.client.pipeline(transaction=True) as pipe:
            pipe.execute_command(  # type: ignore[no-untyped-call]
                "XADD", stream_key(shard), "NOMKSTREAM", "*", "h", header, "d", data
            )
            for name, counted in _counts(packed).items():
                pipe.hincrby(accepted_key(shard), name, counted)
            entry_id, *_ = pipe.execute()
        assert entry_id is not None, "the shard is missing"
        self.accepted += rows
        return str(entry_id.decode())

    def _counted(self) -> Counter[int]:
        counts = (self.client.hgetall(accepted_key(shard)) for shard in range(SHARDS))
        return Counter({shard: sum(map(int, found.values())) for shard, found in enumerate(counts)})


def _counts(packed: tuple[bytes, bytes]) -> dict[str, int]:
    chunk = Chunk()
    chunk.push(*packed)
    return {
        AcceptedField(entries.PRODUCER, bytes(project), hour).encode().decode(): rows
        for project, hour, rows in chunk.ledger
    }


def uuid_of(event_id: bytes) -> UUID:
    """Give an id as the database has it."""
    return UUID(bytes=event_id)
