"""Tells the tuples of a COPY BINARY stream apart and reads one: slow twin of the extension's walk.

Only chunks with a row that PostgreSQL refused come through here. All values are big endian:

    19 B header | tuple | tuple | ...                      (no trailer)
    tuple: natts i16 | then 8 times: length i32 (-1: NULL), bytes

The columns stand in the order of COPY_COLUMNS, four of fixed width first, so that id, project and
times lie at fixed offsets.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
EVENT_ID = slice(6, 22)
PROJECT_ID = slice(26, 42)
TIMESTAMP = slice(46, 54)
RECEIVED_AT = slice(58, 66)
FIXED_BYTES = 66
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
POSTGRES_EPOCH_S = int(POSTGRES_EPOCH.timestamp())
SECOND_US = 1_000_000
HOUR_S = 3600
DAY_S = 86_400

_length = struct.Struct(">i")
_int64 = struct.Struct(">q")


@dataclass(frozen=True, slots=True)
class Tuple:
    """One row's bytes and what lies at fixed offsets in them."""

    raw: memoryview

    @property
    def event_id(self) -> bytes:
        """The event's 16 bytes."""
        return bytes(self.raw[EVENT_ID])

    @property
    def project_id(self) -> bytes:
        """The project's 16 bytes."""
        return bytes(self.raw[PROJECT_ID])

    @property
    def hour(self) -> int:
        """The unix hour of `received_at`: with the project, the ledger's line."""
        return _unix_s(self.raw[RECEIVED_AT]) // HOUR_S

    @property
    def day(self) -> int:
        """The unix day of `timestamp`: its partition."""
        return _unix_s(self.raw[TIMESTAMP]) // DAY_S

    def event_json(self) -> str | None:
        """Give the event as a JSON object's text; None when a text or time in it can't be read."""
        try:
            return _event_json(self.raw)
        except (UnicodeDecodeError, OverflowError):
            return None


def split(stream: memoryview) -> list[Tuple]:
    """Tell the tuples of a stream with a header apart; no copies. An empty stream has none."""
    starts = [*_starts(stream), len(stream)]
    return [Tuple(stream[a:b]) for a, b in pairwise(starts)]


def join(tuples: Sequence[Tuple]) -> bytes:
    """Give a stream of some tuples, with a header."""
    return COPY_HEADER + b"".join(row.raw for row in tuples)


def _starts(stream: memoryview) -> Iterator[int]:
    at = len(COPY_HEADER)
    while at < len(stream):
        yield at
        at += FIXED_BYTES
        for _ in range(4):
            at += 4 + max(0, _length.unpack_from(stream, at)[0])


def _event_json(raw: memoryview) -> str:
    event_type, user_id, session_id, properties = _texts(raw)
    envelope = {
        "event_id": str(UUID(bytes=bytes(raw[EVENT_ID]))),
        "timestamp": _time(raw[TIMESTAMP]),
        "received_at": _time(raw[RECEIVED_AT]),
        "event_type": event_type,
        "user_id": user_id,
        "session_id": session_id,
    }
    return f'{json.dumps(envelope)[:-1]}, "properties": {properties}}}'


def _texts(raw: memoryview) -> tuple[str | None, str | None, str | None, str]:
    at, found = FIXED_BYTES, []
    for _ in range(4):
        (length,) = _length.unpack_from(raw, at)
        at += 4
        found.append(None if length < 0 else bytes(raw[at : at + length]))
        at += max(0, length)
    event_type, user_id, session_id, properties = found
    document = (properties or b"")[1:]  # behind jsonb's version byte
    return _text(event_type), _text(user_id), _text(session_id), document.decode()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _unix_s(value: memoryview) -> int:
    (microseconds,) = _int64.unpack(value)
    return int(microseconds) // SECOND_US + POSTGRES_EPOCH_S


def _time(value: memoryview) -> str:
    (microseconds,) = _int64.unpack(value)
    return (POSTGRES_EPOCH + timedelta(microseconds=microseconds)).isoformat()
