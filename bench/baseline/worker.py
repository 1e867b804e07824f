"""The reference system's worker: reads a group's new entries, inserts them, acknowledges."""

from __future__ import annotations

import os
from typing import Any

import asyncpg
import uvloop
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bench.baseline.entries import GROUP, PROCESSED, READ_ENTRIES, STREAM, row

NAME = "worker-1"
BLOCK_MS = 1000
INSERT = """
    INSERT INTO event
        (event_id, project_id, user_id, session_id, event_type, timestamp, properties)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT DO NOTHING
"""


async def run() -> None:
    """Work until the process is ended."""
    valkey = Redis.from_url(os.environ["BASELINE_VALKEY"], socket_timeout=None)
    database = await asyncpg.connect(os.environ["BASELINE_DSN"])
    await _make_group(valkey)
    while True:
        entries = await _read(valkey)
        if entries:
            async with database.transaction():
                await database.executemany(INSERT, [row(data) for _, data in entries])
            await _acknowledge(valkey, [entry_id for entry_id, _ in entries])


async def _make_group(valkey: Redis) -> None:
    try:
        await valkey.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


async def _acknowledge(valkey: Redis, entry_ids: list[bytes]) -> None:
    pipeline = valkey.pipeline(transaction=False)
    pipeline.xack(STREAM, GROUP, *entry_ids)
    pipeline.incrby(PROCESSED, len(entry_ids))
    await pipeline.execute()


async def _read(valkey: Redis) -> list[tuple[bytes, bytes]]:
    reply: Any = await valkey.xreadgroup(
        GROUP, NAME, {STREAM: ">"}, count=READ_ENTRIES, block=BLOCK_MS
    )
    entries = (found for _, found in (reply.items() if isinstance(reply, dict) else reply))
    flat = [entry for group in entries for entry in _flat(group)]
    return [(entry_id, fields[b"data"]) for entry_id, fields in flat]


def _flat(group: list[Any]) -> list[Any]:
    """Give the entries of one stream: redis-py nests them once more in RESP3."""
    return group[0] if group and isinstance(group[0], list) else group


if __name__ == "__main__":
    uvloop.run(run())
