"""A chunk of hand-made rows, in the place of the extension's: its own takes packed entries only."""

from __future__ import annotations

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

    def divide(self, kind: int, projects: set[bytes]) -> tuple[memoryview, memoryview]:
        """The rows of these projects, and the others."""
        rows = tuples.split(self.named if kind else self.straight)
        sides = [[], []]  # type: list[list[tuples.Tuple]]
        for each in rows:
            sides[each.project_id in projects].append(each)
        theirs, others = (tuples.join(side) if side else b"" for side in reversed(sides))
        return memoryview(theirs), memoryview(others)

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
