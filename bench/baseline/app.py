"""The reference system's API: FastAPI, one process, one XADD for each event.

Built plainly, and in the baseline's favour where there was a choice: keys are kept in memory after
their first look-up, plans set no limits, and a batch's XADDs go in one pipeline.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from redis.asyncio import Redis

from bench.baseline.entries import MAX_ENTRIES, STREAM, pack
from bench.baseline.models import Accepted, Batch, BatchAccepted, Event

#: With redis-py's 100, and its time-out of 5 s, an overload is answered with 500.
MAX_CONNECTIONS = 10_000
#: The reference looks the key up for each request; to keep it is faster.
KEEPS_KEYS = os.environ.get("BASELINE_KEYS") != "lookup"
VERSION_7 = 0x7000_8000_0000_0000_0000
LOW_BITS = 0x0FFF_3FFF_FFFF_FFFF_FFFF


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the connections for as long as the application runs."""
    app.state.projects = {}
    app.state.valkey = Redis.from_url(
        os.environ["BASELINE_VALKEY"], max_connections=MAX_CONNECTIONS, socket_timeout=None
    )
    app.state.database = await asyncpg.create_pool(os.environ["BASELINE_DSN"], max_size=10)
    yield
    await app.state.database.close()
    await app.state.valkey.aclose()


app = FastAPI(lifespan=lifespan)


async def project_of(request: Request, x_api_key: Annotated[str, Header()]) -> UUID:
    """Give the key's project: from memory, else from the database."""
    projects: dict[str, UUID] = request.app.state.projects
    if not KEEPS_KEYS or x_api_key not in projects:
        found = await request.app.state.database.fetchval(
            "SELECT project_id FROM project WHERE api_key = $1", x_api_key
        )
        if found is None:
            raise HTTPException(401, "unknown key")
        projects[x_api_key] = found
    return projects[x_api_key]


Project = Annotated[UUID, Depends(project_of)]


@app.get("/health")
async def health() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "ok"}


@app.post("/api/v1/event", status_code=202)
async def event(request: Request, event: Event, project: Project) -> Accepted:
    """Accept one event."""
    ids = await _append(request.app.state.valkey, [event], project)
    return Accepted(event_id=ids[0])


@app.post("/api/v1/event/batch", status_code=202)
async def batch(request: Request, batch: Batch, project: Project) -> BatchAccepted:
    """Accept a batch."""
    ids = await _append(request.app.state.valkey, batch.events, project)
    return BatchAccepted(event_ids=ids)


async def _append(valkey: Redis, events: Sequence[Event], project: UUID) -> list[UUID]:
    ids = [_uuid7() for _ in events]
    pipeline = valkey.pipeline(transaction=False)
    for event_id, one in zip(ids, events, strict=True):
        packed = pack(event_id, project, one)
        pipeline.xadd(STREAM, {"data": packed}, maxlen=MAX_ENTRIES, approximate=True)
    await pipeline.execute()
    return ids


def _uuid7() -> UUID:
    low = int.from_bytes(os.urandom(10)) & LOW_BITS | VERSION_7
    return UUID(int=time.time_ns() // 1_000_000 << 80 | low)
