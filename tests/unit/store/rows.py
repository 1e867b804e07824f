"""Tuples made by hand, field by field: what the extension's are compared with."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from ingest.store.tuples import COPY_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable

PROJECT = UUID(int=1)
OTHER = UUID(int=2)
# 2026-11-20 10:30 UTC, received two hours later.
TIME = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
RECEIVED = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
DAY = 20_777
HOUR = DAY * 24 + 12
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def row(  # noqa: PLR0913 - a tuple's columns
    event_id: UUID | None = None,
    project: UUID = PROJECT,
    event_type: str = "page_view",
    *,
    time: datetime = TIME,
    received: datetime = RECEIVED,
    user_id: str | None = None,
    properties: bytes | dict[str, object] = b"{}",
) -> bytes:
    """Make one tuple; without an id it has a random one."""
    document = properties if isinstance(properties, bytes) else json.dumps(properties).encode()
    fields = (
        (event_id or uuid4()).bytes,
        project.bytes,
        _microseconds(time),
        _microseconds(received),
        event_type.encode(),
        None if user_id is None else user_id.encode(),
        b"session",
        b"\x01" + document,
    )
    return struct.pack(">h", len(fields)) + b"".join(map(_field, fields))


def stream(rows: Iterable[bytes]) -> memoryview:
    """Put a COPY header before tuples."""
    return memoryview(COPY_HEADER + b"".join(rows))


def _field(value: bytes | None) -> bytes:
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value


def _microseconds(time: datetime) -> bytes:
    passed = time - EPOCH
    return struct.pack(">q", (passed.days * 86_400 + passed.seconds) * 1_000_000)
