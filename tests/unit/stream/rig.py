"""What the tests of the stream share: batches, an appender of a worker, and what was appended."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ingest._native import SHAPE_BATCH, Batch, Chunk, Encoder, Limits, Schema
from ingest.stream import shards
from ingest.stream.append import Appender, AppendPolicy
from ingest.stream.connection import Wire, connect_async
from ingest.stream.group import EntryPolicy, Grouper
from ingest.stream.link import Link
from ingest.stream.producer import Producer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ingest.stream.durability import AckLevel
    from ingest.stream.rest import Rest
    from redis import Redis

SHARDS = 4
PROJECT = bytes(range(16))
SCHEMA = Schema.builtin()
DEADLINE_S = 20.0
_ENCODER = Encoder(SCHEMA, Limits(), seed=os.urandom(32))


def now_us() -> int:
    """The clock of requests."""
    return int(datetime.now(UTC).timestamp() * 1_000_000)


def batch(events: int = 1, *, padding: int = 0, key: str | None = None) -> Batch:
    """Encode so many events; with a key their ids are derived."""
    event = {
        "event_type": "page_view",
        "timestamp": datetime.now(UTC).isoformat(),
        "properties": {"note": "x" * padding},
    }
    body = json.dumps({"events": [event] * events})
    made = _ENCODER.encode(body, PROJECT, now_us(), SHAPE_BATCH, idempotency_key=key)
    assert made.status == 202, made.response
    return made


def policy(*, max_queued_bytes: int = 64 << 20, resend_s: float = 5.0) -> AppendPolicy:
    """A policy with the given bounds."""
    return AppendPolicy(max_queued_bytes=max_queued_bytes, resend_s=resend_s)


@asynccontextmanager
async def appender(  # noqa: PLR0913 - what tests vary
    url: str,
    told: AppendPolicy | None = None,
    *,
    entry_bytes: int = 1 << 18,
    reply_s: float = 1.0,
    compress: bool = True,
    rest: Rest | None = None,
) -> AsyncIterator[Appender]:
    """Run a worker's appender against a server that is there."""
    told = told or policy()

    async def connect(timeout_s: float) -> Wire:
        return await connect_async(url, name="test-worker", timeout_s=timeout_s)

    entries = EntryPolicy(
        own_shard=0, shard_count=SHARDS, entry_bytes=entry_bytes, compress=compress
    )
    running = Appender(
        Link(connect, SCHEMA, SHARDS, reply_s),
        Grouper(Producer(), SCHEMA.fingerprint, entries),
        told,
        rest,
    )
    running.start()
    try:
        await eventually(lambda: running.away is None)
        yield running
    finally:
        await running.close()


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; TimeoutError at the deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def submit(running: Appender, made: Batch) -> asyncio.Future[AckLevel]:
    """Submit for the one project of the tests."""
    return running.submit(made, PROJECT, now_us() // 3_600_000_000, 0)


def stored_ids(server: Redis) -> list[bytes]:
    """Read the event ids of all entries in all shards, copies included."""
    ids = []
    for shard in range(SHARDS):
        entries: Any = server.xrange(shards.stream_key(shard))
        for _, fields in entries:
            chunk = Chunk()
            rows = chunk.push(fields[b"h"], fields[b"d"])
            kind = 0 if chunk.straight_rows else 1
            ids += [chunk.row(kind, index).event_id for index in range(rows)]
    return ids


def accepted(server: Redis) -> int:
    """Add up the ledger's side of the workers."""
    return sum(
        int(count)
        for shard in range(SHARDS)
        for count in server.hgetall(shards.accepted_key(shard)).values()
    )
