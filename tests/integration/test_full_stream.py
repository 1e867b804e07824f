"""A Valkey that answers OOM, because many workers fill it faster than one of them looks at it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psutil
import pytest
from ingest.stream.connection import connect

from tests.flood import Flood
from tests.running import Running, event, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.stack

EVENTS, CLIENTS, PAUSE_S = 100, 60, 0.02
#: No room is left above the mark: Valkey itself has to refuse.
TIGHT = {
    "INGEST_VALKEY_MAX_BYTES": str(32 << 20),
    "INGEST_ENTRY_CODEC": "none",
    "INGEST_STREAM_HIGH_RATIO": "1",
    "INGEST_STREAM_RESUME_RATIO": "1",
}
FULL_S = 60.0


@pytest.fixture
def running(base: Path) -> Iterator[Running]:
    with Running(base / "data", "--workers", "3", env=TIGHT) as running:
        yield running


def test_what_valkey_has_no_memory_for_is_refused_and_not_stored(running: Running) -> None:
    body = json.dumps([event(properties={"page_url": "https://a.example/" + "x" * 500})] * EVENTS)
    pids = running.run.pids
    consumers = [psutil.Process(pids[name]) for name in ("consumer-0", "consumer-1")]
    for consumer in consumers:
        consumer.suspend()
    with Flood(running, body.encode(), CLIENTS, PAUSE_S) as flood:
        until(lambda: out_of_memory(running) > 0, FULL_S, "Valkey answered OOM")
        told = flood.answers["stream_full"]
        until(lambda: flood.answers["stream_full"] > told + 100, FULL_S, "and clients were told")
    for consumer in consumers:
        consumer.resume()
    assert flood.answers.keys() == {"202", "stream_full"}
    assert flood.without_retry_after == 0
    accepted = flood.answers["202"] * EVENTS
    until(lambda: len(running.stored()) >= accepted, FULL_S, "all that was accepted is stored")
    until(lambda: running.post(event()).status_code == 202, FULL_S, "events are taken again")
    assert len(running.stored()) in {accepted, accepted + 1}
    assert running.run.pids == pids


def out_of_memory(running: Running) -> int:
    """Count what Valkey refused so since it started."""
    with connect(running.run.valkey_url, name="test") as client:
        found = client.info("errorstats").get("errorstat_OOM", {"count": 0})
    return int(found["count"])
