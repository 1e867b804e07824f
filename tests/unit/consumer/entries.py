"""Entries as a worker appends them, encoded by the extension."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

from ingest._native import SHAPE_NATIVE, Encoder, Limits, Schema, pack_entry

if TYPE_CHECKING:
    from ingest._native import Batch

PROJECT = UUID(int=1)
OTHER = UUID(int=2)
SCHEMA = Schema.builtin()
ENCODER = Encoder(SCHEMA, Limits(), seed=os.urandom(32))
PRODUCER = 7

_sequence = count()


def batch(
    rows: int = 1,
    *,
    project: UUID = PROJECT,
    key: str | None = None,
    days_ago: int = 0,
) -> Batch:
    """Encode a request; with an idempotency key its ids are derived, so it may be repeated."""
    now = datetime.now(UTC) - timedelta(days=days_ago)
    if key is not None:
        now = now.replace(hour=0, minute=0, second=0, microsecond=0)
    events = [
        {"event_type": "page_view", "timestamp": now.isoformat(), "properties": {"n": number}}
        for number in range(rows)
    ]
    body, received = json.dumps(events), time.time_ns() // 1000
    made = ENCODER.encode(body, project.bytes, received, SHAPE_NATIVE, idempotency_key=key)
    assert made.rows == rows, made.response
    return made


def purchase() -> Batch:
    """Encode one event of a type that tests let the table refuse."""
    now = datetime.now(UTC).isoformat()
    properties = {"product_id": "p", "price": 1.5, "quantity": 1}
    event = {"event_type": "purchase", "timestamp": now, "properties": properties}
    received = time.time_ns() // 1000
    return ENCODER.encode(json.dumps(event), PROJECT.bytes, received, SHAPE_NATIVE)


def entry(*batches: Batch) -> tuple[bytes, bytes]:
    """Pack requests into one entry: header and data."""
    return pack_entry(batches, SCHEMA.fingerprint, PRODUCER, next(_sequence), compress=True)


def altered(header: bytes, data: bytes, at: int, value: int) -> bytes:
    """Give the header with another byte and the checksum that belongs to it."""
    head = header[:at] + bytes([value]) + header[at + 1 : -4]
    return head + crc32c(head + data).to_bytes(4, "little")


def crc32c(data: bytes) -> int:
    """Compute the Castagnoli checksum, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
