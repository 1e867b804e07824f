"""The limit of appending: bare XADDs of ready values, each answer after its fsync.

Lone: one small entry at a time. Pipelined: 16 values of a stress batch's tuples in one write.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import redis
from ingest.local.valkey import EmbeddedValkey

from bench import usage
from bench.limits.copy import HEADER, ROWS, chunks
from bench.workload import STRESS_BATCH

if TYPE_CHECKING:
    from pathlib import Path

STREAM = "limit"
LONE = 300
PIPELINE = 16
START_S = 60.0


def measure(directory: Path, rows: int) -> dict[str, float]:
    """Append that many rows in entries of 200."""
    server = EmbeddedValkey(directory)
    server.prepare()
    server.start()
    try:
        server.wait_ready(START_S)
        with redis.Redis.from_url(server.url) as client:
            found = _lone(client) | _pipelined(client, {"valkey": server.pid or 0}, rows)
            client.close()
            return found
    finally:
        server.stop(30.0)


def _lone(client: redis.Redis) -> dict[str, float]:
    times = []
    for _ in range(LONE):
        began = time.perf_counter()
        client.xadd(STREAM, {"d": b"x" * 300})
        times.append(1000 * (time.perf_counter() - began))
    times.sort()
    return {"lone_p50_ms": times[LONE // 2], "lone_p99_ms": times[LONE * 99 // 100]}


def _pipelined(client: redis.Redis, pids: dict[str, int], rows: int) -> dict[str, float]:
    values = _values()
    entries = rows // STRESS_BATCH // PIPELINE * PIPELINE
    before_s, own_s, began = usage.cpu_s(pids)["valkey"], time.process_time(), time.monotonic()
    for start in range(0, entries, PIPELINE):
        pipeline = client.pipeline(transaction=False)
        for index in range(start, start + PIPELINE):
            pipeline.xadd(STREAM, {"d": values[index % len(values)]})
        pipeline.execute()
    elapsed_s = time.monotonic() - began
    client_s, server_s = time.process_time() - own_s, usage.cpu_s(pids)["valkey"] - before_s
    if client.xlen(STREAM) != LONE + entries:
        raise RuntimeError("the stream does not hold what was appended")
    appended = entries * STRESS_BATCH
    return {
        "events_s": appended / elapsed_s,
        "server_cpu_us_event": 1e6 * server_s / appended,
        "client_cpu_us_event": 1e6 * client_s / appended,
    }


def _values() -> list[bytes]:
    """Cut one transaction's tuples into values of about a batch's size."""
    tuples = chunks(ROWS)[0][len(HEADER) :]
    size = len(tuples) * STRESS_BATCH // ROWS
    return [tuples[at : at + size] for at in range(0, len(tuples), size)]
