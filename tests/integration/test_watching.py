"""What admin tells of a system while its parts are killed, frozen, and lose a table."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import psycopg
import pytest
from ingest.admin.figures import Figures, History, ProcessFigures
from ingest.settings import Settings
from ingest.store import partitions
from ingest.stream.connection import connect
from ingest.stream.shards import stream_key

from tests.running import INGEST, Running, directory, event, until

if TYPE_CHECKING:
    from collections.abc import Iterator

TOLD_S = 20.0
WRITES_AGAIN = 'ingest_retries_total{part="write",process="consumer-'
# Each look at a frozen server takes five seconds, and so does each connection to it.
FROZEN_S = 60.0
SCRAPE_S = 8.0

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    path = Path(tempfile.mkdtemp(prefix="ingest-test-"))
    path.chmod(0o711)
    with Running(path / "data") as running:
        yield running
    shutil.rmtree(path)


def ask(running: Running, path: str) -> httpx.Response:
    bearer = {"Authorization": f"Bearer {running.run.admin_token}"}
    return httpx.get(running.run.admin_url + path, headers=bearer, timeout=20)


def part(running: Running, name: str) -> dict[str, str]:
    (found,) = (one for one in ask(running, "/readyz").json()["parts"] if one["name"] == name)
    return dict(found)


def reasons(running: Running) -> str:
    return "; ".join(one["reason"] for one in ask(running, "/readyz").json()["parts"])


def process(running: Running, name: str) -> dict[str, Any]:
    figures = ask(running, "/api/v1/figures").json()
    (found,) = (one for one in figures["processes"] if one["name"] == name)
    return dict(found)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Freeze a process with all that it started."""
    first = psutil.Process(pid)
    first.suspend()  # it starts no other from now on
    family = [first, *first.children(recursive=True)]
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.suspend()
    try:
        yield
    finally:
        for one in family:
            with suppress(psutil.NoSuchProcess):  # it was ending
                one.resume()


def test_what_people_are_told(running: Running) -> None:
    until(lambda: figures(running)["lag"]["events"] == 0, TOLD_S, "nothing waits")
    old = figures(running)
    for _ in range(10):
        assert running.post(*[event() for _ in range(20)]).status_code == 202
    assert running.post({"event_type": "?"}).status_code == 422
    stored = old["events"]["stored"]["total"] + 200
    until(lambda: figures(running)["events"]["stored"]["total"] == stored, TOLD_S, "all stored")
    now = figures(running)
    assert now.keys() == {field.name for field in fields(Figures)}
    assert now["events"]["accepted"]["total"] == old["events"]["accepted"]["total"] + 200
    assert now["requests_by_status"]["202"]["total"] == total(old["requests_by_status"], "202") + 10
    refused = total(old["refusals"]["events"], "unknown_event_type") + 1
    assert total(now["refusals"]["events"], "unknown_event_type") == refused
    assert now["lag"] == {"entries": 0, "events": 0, "oldest_s": 0.0}
    assert (now["ack"], now["valkey"]["ack"]) == ("fsync", "fsync")
    assert now["partitions"] == {"days_ahead": 2, "missing": []}
    for spread in (now["latency"]["request"], now["latency"]["append"], now["freshness"]):
        whole = spread["since_start"]
        assert 0 < whole["p50"] <= whole["p95"] <= whole["p99"] < 10
    fresh = old["freshness"]["since_start"]["count"]
    assert now["freshness"]["since_start"]["count"] == fresh + 200
    assert {one["name"]: one["pid"] for one in now["processes"]} == running.run.pids | {
        "supervisor": running.supervisor.pid
    }
    assert now["processes"][0].keys() == {field.name for field in fields(ProcessFigures)}
    assert {one["state"] for one in now["processes"]} == {"running"}
    assert min(one["memory_bytes"] for one in now["processes"]) > 1 << 20
    past = ask(running, "/api/v1/figures/history").json()
    assert past.keys() == {field.name for field in fields(History)}
    assert past["at"] == sorted(past["at"])
    assert {len(column) for column in past.values() if isinstance(column, list)} == {
        len(past["at"])
    }
    assert live(running)["version"] == now["version"]


def total(counts: dict[str, Any], name: str) -> float:
    return float(counts.get(name, {"total": 0})["total"])


def figures(running: Running) -> dict[str, Any]:
    return dict(ask(running, "/api/v1/figures").json())


def live(running: Running) -> dict[str, Any]:
    """Read the first figures of the stream, a second one after it, and leave."""
    url, bearer = f"{running.run.admin_url}/api/v1/stream", running.run.admin_token
    found: list[dict[str, Any]] = []
    with httpx.stream("GET", url, headers={"Authorization": f"Bearer {bearer}"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        while len(found) < 2:
            if next(lines) == "event: figures":
                found.append(json.loads(next(lines).removeprefix("data: ")))
    assert 0.5 < found[1]["at"] - found[0]["at"] < TOLD_S
    return found[1]


def test_parts_that_fail_are_told_and_told_well_again(running: Running) -> None:
    killed = running.run.pids["worker-0"]
    before = process(running, "worker-0")["restarts"]
    os.kill(killed, signal.SIGKILL)
    until(lambda: process(running, "worker-0")["restarts"] == before + 1, TOLD_S, "a restart")
    until(lambda: ask(running, "/readyz").status_code == 200, TOLD_S, "well again")
    assert process(running, "worker-0")["pid"] != killed
    counted = 'ingest_process_restarts_total{process="worker-0"} 1.0'
    assert counted in ask(running, "/metrics").text

    with frozen(running.run.pids["consumer-0"]):
        assert "does not answer" in part(running, "consumer-0")["reason"]
        assert process(running, "consumer-0")["state"] == "silent"
    until(lambda: ask(running, "/readyz").status_code == 200, TOLD_S, "answers again")

    with frozen(running.run.pids["valkey"]):
        assert "Valkey" in part(running, "valkey")["reason"]
        assert figures(running)["lag"] == UNKNOWN
        shown = page(running)
        assert "unknown: Valkey" in line(shown, "lag")
        assert "unknown: Valkey" in line(shown, "stream")
    until(lambda: ask(running, "/readyz").status_code == 200, TOLD_S, "Valkey is back")


UNKNOWN = {"entries": None, "events": None, "oldest_s": None}


def page(running: Running) -> str:
    command = [*INGEST, "status", "--data", str(running.data)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def line(page: str, name: str) -> str:
    (found,) = (each for each in page.splitlines() if each.startswith(f"{name} "))
    return found


def test_the_lag_is_known_while_postgresql_is_away() -> None:
    """What was committed last counts, not what admin saw last; in a system of its own."""
    with directory() as path, Running(path / "data") as running:
        watch_an_outage(running)


def watch_an_outage(running: Running) -> None:
    until(lambda: figures(running)["lag"]["events"] == 0, TOLD_S, "nothing waits")
    stored = stored_events(running)
    assert running.post(*[event() for _ in range(50)]).status_code == 202
    until(lambda: stored_events(running) == stored + 50, TOLD_S, "stored")
    until(lambda: is_trimmed(running), TOLD_S, "the consumer knows of its commit")
    with frozen(running.run.pids["postgres"]):
        for _ in range(7):
            assert running.post(event(), event()).status_code == 202
        until(lambda: lag(running) == (7, 14), FROZEN_S, "what waits is counted")
        until(lambda: figures(running)["lag"]["oldest_s"] > 10, FROZEN_S, "it grows old")
        assert part(running, "postgresql")["reason"]
        for consumer in ("consumer-0", "consumer-1"):
            assert "has not answered for" in part(running, consumer)["reason"]
        began = time.monotonic()
        ask(running, "/readyz")
        assert time.monotonic() - began < SCRAPE_S, "Prometheus would not have waited longer"
        assert "7 entries, 14 events, the oldest" in line(page(running), "lag")
        told = ask(running, "/metrics").text
        assert "ingest_lag_events 14.0" in told
        assert "ingest_lag_seconds" in told

        killed = running.run.pids["admin"]
        os.kill(killed, signal.SIGKILL)
        until(lambda: running.run.pids["admin"] != killed, TOLD_S, "another admin")
        until(lambda: is_told(running), FROZEN_S, "figures")
        assert figures(running)["lag"] == UNKNOWN, "it never saw a position"
        assert "unknown: PostgreSQL" in line(page(running), "lag")
        assert "ingest_lag_events" not in ask(running, "/metrics").text
    until(lambda: figures(running)["lag"]["events"] == 0, FROZEN_S, "all stored")
    until(lambda: ask(running, "/readyz").status_code == 200, FROZEN_S, "all is well")
    assert stored_events(running) == stored + 64


def stored_events(running: Running) -> int:
    with psycopg.connect(running.run.dsn) as connection:
        row = connection.execute("SELECT count(*) FROM event").fetchone()
    return 0 if row is None else int(row[0])


def is_trimmed(running: Running) -> bool:
    with connect(running.run.valkey_url, name="test") as client:
        return not any(client.xlen(stream_key(shard)) for shard in range(Settings().shards))


def lag(running: Running) -> tuple[int | None, int | None]:
    told = figures(running)["lag"]
    return told["entries"], told["events"]


def is_told(running: Running) -> bool:
    try:
        return ask(running, "/api/v1/figures").status_code == 200
    except httpx.HTTPError:
        return False


def test_a_missing_partition_and_a_stopped_writer_are_told(running: Running) -> None:
    with psycopg.connect(running.run.dsn, autocommit=True) as connection:
        last = "SELECT relname FROM pg_class WHERE relname ~ '^event_[0-9]{8}$' ORDER BY 1 DESC"
        row = connection.execute(last).fetchone()
        assert row is not None
        connection.execute(f"DROP TABLE {row[0]}")
        until(lambda: row[0] in part(running, "partitions")["warning"], TOLD_S, "missing")
        assert ask(running, "/readyz").status_code == 200, "consumers make it in time"
        assert "ingest_partitions_missing 1.0" in ask(running, "/metrics").text
        partitions.ensure(connection, partitions.window(connection, 0, 2))
        until(lambda: not part(running, "partitions")["warning"], TOLD_S, "it is there again")

        connection.execute("ALTER TABLE ledger RENAME TO mislaid")
        assert running.post(event()).status_code == 202
        until(lambda: "ledger" in reasons(running), TOLD_S, "it can't write")
        assert ask(running, "/readyz").status_code == 503
        assert figures(running)["lag"]["entries"] == 1
        connection.execute("ALTER TABLE mislaid RENAME TO ledger")
    until(lambda: ask(running, "/readyz").status_code == 200, TOLD_S, "it writes again")
    told = ask(running, "/metrics").text
    retries = [line for line in told.splitlines() if line.startswith(WRITES_AGAIN)]
    assert sum(float(line.split()[-1]) for line in retries) > 0
