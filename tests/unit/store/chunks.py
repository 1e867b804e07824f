"""A chunk of hand-made rows, in the place of the extension's: its own takes packed entries only."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ingest.store import tuples
from ingest.store.load import EntryRows, Load, Unreadable

from tests.unit.store.rows import stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest._native import Chunk

SHARD = 3
UUID_OID, TIMESTAMPTZ_OID = 2950, 1184


@dataclass(frozen=True)
class RowKeys:
    """What the store reads of keys; a tuple holds each with the length that an array wants."""

    rows: list[int]
    repeated: list[int]
    found: list[tuples.Tuple]

    @property
    def event_ids(self) -> bytes:
        """As an array."""
        return self._array(UUID_OID, slice(2, 22))

    @property
    def project_ids(self) -> bytes:
        """As an array."""
        return self._array(UUID_OID, slice(22, 42))

    @property
    def timestamps(self) -> bytes:
        """As an array."""
        return self._array(TIMESTAMPTZ_OID, slice(42, 54))

    def _array(self, oid: int, column: slice) -> bytes:
        head = struct.pack(">iiIii", 1, 0, oid, len(self.found), 1)
        return head + b"".join(each.raw[column] for each in self.found)


@dataclass(frozen=True)
class RowChunk:
    """What the store reads of a chunk."""

    straight: memoryview
    named: memoryview

    @property
    def rows(self) -> int:
        """How many, both kinds."""
        return len(self._tuples())

    @property
    def ledger(self) -> list[tuple[bytes, int, int]]:
        """Rows by project and hour."""
        counts = Counter((each.project_id, each.hour) for each in self._tuples())
        return [(project, hour, rows) for (project, hour), rows in counts.items()]

    @property
    def days(self) -> list[int]:
        """The days of their partitions."""
        return sorted({each.day for each in self._tuples()})

    def keys(self, kind: int, projects: set[bytes]) -> RowKeys:
        """The keys of these projects' rows."""
        rows, repeated, seen = [], [], set()  # type: ignore[var-annotated]
        for index, each in enumerate(self._of(kind)):
            if each.project_id in projects:
                key = bytes(each.raw[2:54])
                (repeated if key in seen else rows).append(index)
                seen.add(key)
        return RowKeys(rows, repeated, [self._of(kind)[index] for index in rows])

    def without(self, kind: int, rows: set[int]) -> memoryview:
        """The other rows."""
        left = [each for index, each in enumerate(self._of(kind)) if index not in rows]
        return memoryview(tuples.join(left) if left else b"")

    def ledger_of(self, kind: int, rows: set[int]) -> list[tuple[bytes, int, int]]:
        """Some rows by project and hour."""
        found = [self._of(kind)[index] for index in rows]
        counts = Counter((each.project_id, each.hour) for each in found)
        return [(project, hour, rows) for (project, hour), rows in counts.items()]

    def _of(self, kind: int) -> list[tuples.Tuple]:
        return tuples.split(self.named if kind else self.straight)

    def _tuples(self) -> list[tuples.Tuple]:
        return tuples.split(self.straight) + tuples.split(self.named)


def load(
    straight: Sequence[Sequence[bytes]] = (),
    named: Sequence[Sequence[bytes]] = (),
    *,
    unreadable: Sequence[Unreadable] = (),
    is_reread: bool = False,
) -> Load:
    """Make a load of entries given as lists of rows; their ids are 1-0, 2-0 ..."""
    kinds = [(False, rows) for rows in straight] + [(True, rows) for rows in named]
    entries = [
        EntryRows(f"{number}-0", is_named, len(rows))
        for number, (is_named, rows) in enumerate(kinds, start=1)
    ]
    chunk = RowChunk(*(stream(row for rows in kind for row in rows) for kind in (straight, named)))
    return Load(SHARD, cast("Chunk", chunk), entries, unreadable, is_reread)
