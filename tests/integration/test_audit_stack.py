"""`ingest audit` on a running system under load, as a person calls it."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.running import INGEST, Running, event, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.stack

AUDITS = 6
CLIENTS = 3
EVENTS = 50
TOLD_S = 20.0


@pytest.fixture
def running(base: Path) -> Iterator[Running]:
    with Running(base / "data") as running:
        yield running


def audit(running: Running, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command; give its exit code and what it says."""
    words = [*INGEST, "audit", "--json", "--data", str(running.data), *arguments]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def test_it_is_exact_at_any_instant_and_tells_what_is_not(running: Running) -> None:
    stop, accepted = threading.Event(), []
    midnight = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime())

    def post(client: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            key = {"Idempotency-Key": f"key-{number // 2}"} if client == 0 else {}
            sent = [event(timestamp=midnight) for _ in range(EVENTS)]
            answer = running.post(*sent, event(event_type="nonsense"), **key)
            assert answer.status_code == 202, answer.text
            accepted.append(answer.json()["accepted"])

    with ThreadPoolExecutor(CLIENTS) as threads:
        tasks = [threads.submit(post, client) for client in range(CLIENTS)]
        readings = [audit(running) for _ in range(AUDITS)]
        stop.set()
        for task in tasks:
            task.result()
    assert [(code, told["verdict"]) for code, told in readings] == [(0, "exact")] * AUDITS
    counts = [told["accepted"] for _, told in readings]
    assert counts == sorted(counts)
    assert len(set(counts)) > 2
    for key in ("wk_live_" + "x" * 43, "short", "shorter"):
        assert running.post(event(), **{"X-Api-Key": key}).status_code == 401
    until(lambda: refusals(running)["edge"] == {"unauthorized": 2}, TOLD_S, "the edge's are told")
    assert refusals(running)["requests"] == {"unauthorized": 1}, "what workers counted, no more"
    check_after(running, sum(accepted), len(accepted))


def refusals(running: Running) -> dict[str, Any]:
    return dict(audit(running)[1]["refused"])


def check_after(running: Running, accepted: int, refused: int) -> None:
    """All is quiet: every number is known; then a row of the ledger goes."""
    code, told = audit(running)
    assert (code, told["accepted"], told["missing"]) == (0, accepted, 0)
    assert told["duplicates"] > 0
    assert {line["project"] for line in told["lines"]} == {"default"}
    assert told["refused"]["events"] == {"unknown_event_type": refused}
    assert set(told["refused"]["since"]) == {"worker-0", "worker-1"}
    assert audit(running, "--project", "default", "--from", "2020-01-01")[1]["accepted"] == accepted
    assert audit(running, "--to", "2020-01-01")[1]["accepted"] == 0
    with psycopg.connect(running.run.dsn) as connection:
        connection.execute("UPDATE ledger SET stored = stored - 1 WHERE stored > 0")
    code, told = audit(running)
    assert (code, told["verdict"]) == (1, "wrong")
    assert told["missing"] == sum(shard["missing"] for shard in told["shards"]) > 0
