"""Compares the table with the ids that the clients were given: the same, each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ID_BYTES = 16
#: natts i16 = 1, length i32 = 16, the id.
ROW_BYTES = 22
ROW_HEAD = b"\x00\x01\x00\x00\x00\x10"
IDS_A_PIECE = 100_000
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)


@dataclass(frozen=True)
class Verified:
    """Counts of ids. All is well when nothing is missing, doubled or strange."""

    acknowledged: int
    rows: int
    #: Acknowledged, not in the table.
    missing: int
    #: Rows beyond the first with one id.
    doubled: int
    #: Ids that were given to two events.
    reused: int

    @property
    def unacknowledged(self) -> int:
        """Rows whose acknowledgement nobody received."""
        return self.rows - self.doubled - (self.acknowledged - self.reused - self.missing)


def verify(dsn: str, files: Iterable[Path]) -> Verified:
    """Compare the table `event` with files of raw ids. Takes seconds a million."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SET LOCAL work_mem = '512MB'")
        connection.execute("CREATE TEMPORARY TABLE told (event_id uuid) ON COMMIT DROP")
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(COPY_HEADER)
            for piece in _pieces(files):
                copy.write(_tuples(piece))
        connection.execute("ANALYZE told")
        row = connection.execute(_COMPARE).fetchone()
    return Verified(*(row or (0, 0, 0, 0, 0)))


def empty(dsn: str) -> None:
    """Empty the table, so that the next trial's rows stand alone."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE event")


_COPY = "COPY told FROM STDIN (FORMAT BINARY)"
_COMPARE = """
    SELECT
        (SELECT count(*) FROM told),
        (SELECT count(*) FROM event),
        (SELECT count(*) FROM (SELECT DISTINCT event_id FROM told) AS known
            WHERE NOT EXISTS (SELECT FROM event WHERE event.event_id = known.event_id)),
        (SELECT coalesce(sum(count - 1), 0)::bigint
            FROM (SELECT count(*) FROM event GROUP BY event_id) AS found),
        (SELECT coalesce(sum(count - 1), 0)::bigint
            FROM (SELECT count(*) FROM told GROUP BY event_id) AS given)
"""


def _pieces(files: Iterable[Path]) -> Iterator[bytes]:
    for path in files:
        with path.open("rb") as file:
            while piece := file.read(IDS_A_PIECE * ID_BYTES):
                yield piece


def _tuples(ids: bytes) -> bytes:
    """Interleave without a loop over ids: a slice a byte position."""
    rows = bytearray(len(ids) // ID_BYTES * ROW_BYTES)
    for at, byte in enumerate(ROW_HEAD):
        rows[at::ROW_BYTES] = bytes([byte]) * (len(ids) // ID_BYTES)
    for at in range(ID_BYTES):
        rows[len(ROW_HEAD) + at :: ROW_BYTES] = ids[at::ID_BYTES]
    return bytes(rows)
