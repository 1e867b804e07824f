"""The encoder as these tests use it: fixed times, ids and seeds; tuples decoded by a chunk."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from ingest._native import (
    SHAPE_NATIVE,
    Batch,
    Chunk,
    Encoder,
    Limits,
    Row,
    Schema,
    pack_entry,
)

PROJECT = bytes(range(100, 116))
NOW = datetime(2026, 11, 23, 12, 34, 56, 789_012, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000 + NOW.microsecond
FINGERPRINT = b"\0fingerp"
SEED = bytes(32)

#: Anything goes into properties; nothing in the envelope but the type is required.
FREE_FORM = """
name = "free"
layout = 1
[envelope]
timestamp = "optional"
properties = "optional"
[event_types.a]
"""


def builtin(limits: Limits | None = None) -> Encoder:
    """An encoder with the built-in rules."""
    return Encoder(Schema.builtin(), limits or Limits(), seed=SEED)


def free_form(limits: Limits | None = None) -> Encoder:
    """An encoder that checks only what PostgreSQL asks for."""
    return Encoder(Schema(FREE_FORM), limits or Limits(), seed=SEED)


def encode(encoder: Encoder, body: str | bytes, shape: int = SHAPE_NATIVE, **options: Any) -> Batch:
    """Encode for the fixed project at the fixed time."""
    return encoder.encode(body, PROJECT, NOW_US, shape, **options)


def rows(batch: Batch) -> list[Row]:
    """The accepted events, decoded from their tuples."""
    chunk = Chunk()
    chunk.push(*pack_entry([batch], FINGERPRINT, 1, 1, compress=False))
    kind = batch.flags
    return [chunk.row(kind, index) for index in range(chunk.rows)]


def answer(batch: Batch) -> dict[str, Any]:
    """The response body, parsed."""
    parsed = json.loads(batch.response)
    assert isinstance(parsed, dict)
    return parsed


def exact(text: str | bytes) -> object:
    """JSON parsed so that two values are equal only if every number is written alike."""
    return json.loads(text, parse_float=_Literal, parse_int=_Literal)


class _Literal(str):
    """A number as it is written; unequal to a string of the same characters."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Literal) and str(self) == str(other)

    __hash__ = str.__hash__
