"""Over ten times what is drained, for half a minute: refused at once, then all is as before."""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

import httpx
import psycopg
import pytest

from bench import usage
from tests.flood import Flood
from tests.running import Running, event, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.stack]

OVERLOAD_S = 30.0
EVENTS = 200
CLIENTS, PAUSE_S = 3000, 0.5
#: Of each lock on the table; between two of them a consumer commits about once a shard.
LOCK_S = 0.3
TIMES = 10
MIB = 1 << 20
#: A small stream, so that it is full within seconds, and small transactions.
SMALL = {
    "INGEST_VALKEY_MAX_BYTES": str(32 * MIB),
    "INGEST_ENTRY_CODEC": "none",
    "INGEST_CHUNK_ROWS": "1000",
}
#: Of memory that is a process's own, whatever clients do. A worker has 47 when idle.
MOST_MIB = {
    "worker-0": 192,
    "worker-1": 192,
    "edge": 160,
    "valkey": 64,
    "consumer-0": 128,
    "consumer-1": 128,
    "admin": 96,
    "postgres": 128,
}
REFUSED = {"stream_full", "overloaded", "too_many_connections"}
#: The machine is as busy as it can be, with the clients.
AT_ONCE_S = 3.0
NORMAL_S = 20.0


class SlowTable(threading.Thread):
    """A table that is locked most of the time: a database that takes little."""

    def __init__(self, dsn: str) -> None:
        super().__init__(name="slow table")
        self._dsn = dsn
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        """Begin."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Let go of the table."""
        self._is_over.set()
        self.join()

    def run(self) -> None:
        with psycopg.connect(self._dsn) as connection:
            while not self._is_over.wait(0.02):
                connection.execute("LOCK TABLE event")
                time.sleep(LOCK_S)
                connection.commit()


@pytest.fixture
def running(base: Path) -> Iterator[Running]:
    with Running(base / "data", env=SMALL) as running:
        yield running


def test_an_overload_is_refused_and_leaves_nothing_behind(running: Running) -> None:
    pids = running.run.pids
    normal_s = latency_s(running)
    before = stored(running)
    with SlowTable(running.run.dsn):
        with Flood(running, body(), CLIENTS, PAUSE_S) as flood:
            peaks = watch(pids)
            drained_s = (stored(running) - before) / OVERLOAD_S
        began = time.monotonic()
        until(lambda: latency_s(running) < max(3 * normal_s, 0.1), NORMAL_S, "latency as before")
        normal_after_s = time.monotonic() - began
    offered_s = flood.sent * EVENTS / OVERLOAD_S
    sys.stdout.write(
        f"{offered_s:.0f} events/s offered, {drained_s:.0f} drained; MiB at most: {peaks}\n"
        f"{flood.tells()}; as before after {normal_after_s:.1f} s\n"
    )
    assert offered_s > TIMES * drained_s > 0
    assert flood.answers.keys() <= REFUSED | {"202"}
    assert {"stream_full", "overloaded"} <= flood.answers.keys()
    assert flood.without_retry_after == 0
    refused = REFUSED & flood.answers.keys()
    assert all(flood.percentile(code, 0.99) < AT_ONCE_S for code in refused), flood.tells()
    assert {name: mib for name, mib in peaks.items() if mib > MOST_MIB[name]} == {}
    assert running.run.pids == pids
    accepted = flood.answers["202"] * EVENTS
    until(lambda: stored(running) - before >= accepted, 60, "all that was accepted is stored")


def body() -> bytes:
    """Make a request of about 68 kB."""
    url = "https://example.com/" + "x" * 220
    return json.dumps([event(properties={"page_url": url}) for _ in range(EVENTS)]).encode()


def watch(pids: dict[str, int]) -> dict[str, int]:
    """Give the most memory that each process has during the overload."""
    peaks = dict.fromkeys(pids, 0)
    end = time.monotonic() + OVERLOAD_S
    while time.monotonic() < end:
        for name, memory in usage.memory(pids).items():
            peaks[name] = max(peaks[name], memory.own // MIB)
        time.sleep(0.25)
    return peaks


def latency_s(running: Running) -> float:
    """Give the middle of ten requests' times; endless when one is refused."""
    seconds = []
    for _ in range(10):
        began = time.monotonic()
        if running.post(event()).status_code != httpx.codes.ACCEPTED:
            return float("inf")
        seconds.append(time.monotonic() - began)
    return statistics.median(seconds)


def stored(running: Running) -> int:
    with psycopg.connect(running.run.dsn) as connection:
        row = connection.execute("SELECT count(*) FROM event WHERE properties <> '{}'").fetchone()
    assert row is not None
    return int(row[0])
