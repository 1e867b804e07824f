"""What the baseline's stream holds: one MessagePack map for each event, all property keys in it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgpack
import orjson

if TYPE_CHECKING:
    from uuid import UUID

    from bench.baseline.models import Event

STREAM = "events"
GROUP = "main_group"
#: About how many entries the stream keeps; how many the worker reads at once (the reference 100,
#: more is faster).
MAX_ENTRIES, READ_ENTRIES = 100_000, 500
#: How many events the worker has dealt with, as its metric says.
PROCESSED = "events_processed"


def pack(event_id: UUID, project_id: UUID, event: Event) -> bytes:
    """Pack an event as the API accepted it."""
    named = {"event_id": str(event_id), "project_id": str(project_id)}
    packed: bytes = msgpack.packb(named | event.model_dump(mode="json"))
    return packed


def row(packed: bytes) -> tuple[Any, ...]:
    """Give the parameters of the worker's INSERT."""
    event = msgpack.unpackb(packed)
    return (
        event["event_id"],
        event["project_id"],
        event["user_id"],
        event["session_id"],
        event["event_type"],
        datetime.fromisoformat(event["timestamp"]),
        orjson.dumps(event["properties"]).decode(),
    )
