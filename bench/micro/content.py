"""What events say, in one form, so that each bench compares all that came out with what went in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ingest._native import Chunk, pack_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ingest._native import Batch

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FINGERPRINT: Final = bytes(8)


class Content(NamedTuple):
    """An event, but its ids. A property that is null is one that is not there."""

    event_type: str
    timestamp: datetime
    user_id: str | None
    session_id: str | None
    properties: dict[str, Any]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Content:
        """Read an event as a client writes it, or as a model dumps it."""
        at = event["timestamp"]
        at = datetime.fromisoformat(at) if isinstance(at, str) else at
        properties = event["properties"]
        known = json.loads(properties) if isinstance(properties, str | bytes) else properties
        return cls(
            event["event_type"],
            at if at.tzinfo else at.replace(tzinfo=UTC),
            event.get("user_id"),
            event.get("session_id"),
            {name: value for name, value in known.items() if value is not None},
        )


def of_all(events: Iterable[Mapping[str, Any]]) -> list[Content]:
    """Read many."""
    return [Content.of(event) for event in events]


def of_body(body: str, refused: Iterable[int] = ()) -> list[Content]:
    """Read a batch's body but for the events that must be refused."""
    left_out = set(refused)
    events = enumerate(json.loads(body)["events"])
    return of_all(event for index, event in events if index not in left_out)


def of_chunk(chunk: Chunk) -> list[Content]:
    """Read the rows that a COPY would be given."""
    rows = (chunk.row(0, index) for index in range(chunk.straight_rows))
    return [
        Content.of(
            {
                "event_type": row.event_type,
                "timestamp": EPOCH + timedelta(microseconds=row.timestamp_us),
                "user_id": row.user_id,
                "session_id": row.session_id,
                "properties": row.properties,
            }
        )
        for row in rows
    ]


def of_batches(batches: Iterable[Batch]) -> list[Content]:
    """Read encoded batches, by way of an entry."""
    chunk, packed = Chunk(), list(batches)
    if any(batch.rows for batch in packed):
        chunk.push(*pack_entry(packed, FINGERPRINT, 1, 0, compress=False))
    return of_chunk(chunk)
