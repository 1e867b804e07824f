"""The slow twin of the tuple encoder: the same row through psycopg's own binary formatter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg._copy_base import BinaryFormatter
from psycopg.adapt import Transformer
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Mapping

COPY_HEADER_BYTES = 19
TRAILER_BYTES = 2
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tuple_bytes(  # noqa: PLR0913 - one argument a column
    *,
    event_id: UUID,
    project_id: bytes,
    timestamp: datetime,
    received_at_us: int,
    event_type: str,
    user_id: str | None,
    session_id: str | None,
    properties: str,
) -> bytes:
    """One COPY BINARY tuple; `properties` is JSON text, sent as it is."""
    formatter = BinaryFormatter(Transformer())
    row = [
        event_id,
        UUID(bytes=project_id),
        timestamp,
        EPOCH + timedelta(microseconds=received_at_us),
        event_type,
        user_id,
        session_id,
        Jsonb(properties, dumps=str),
    ]
    written = bytes(formatter.write_row(row)) + bytes(formatter.end())
    return written[COPY_HEADER_BYTES:-TRAILER_BYTES]


def of_event(
    event: Mapping[str, object],
    event_id: UUID,
    project_id: bytes,
    received_at_us: int,
    properties: str,
) -> bytes:
    """The tuple of a parsed event whose timestamp is one that `datetime.fromisoformat` reads."""
    sent_at = datetime.fromisoformat(str(event["timestamp"]))
    return tuple_bytes(
        event_id=event_id,
        project_id=project_id,
        timestamp=sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC),
        received_at_us=received_at_us,
        event_type=str(event["event_type"]),
        user_id=_text(event.get("user_id")),
        session_id=_text(event.get("session_id")),
        properties=properties,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
