"""What one transaction stores: rows of some entries of one shard, and entries without rows."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingest._native import Chunk


class EntryRows(NamedTuple):
    """What one entry put into the chunk, in the order of its kind's tuples."""

    entry_id: str
    is_named: bool
    rows: int


class Unreadable(NamedTuple):
    """An entry whose bytes make no rows; `rows` is what its header says, 0 if that is broken."""

    entry_id: str
    content: bytes
    rows: int
    message: str


@dataclass(frozen=True, slots=True)
class Load:
    """Entries of one shard that are stored together.

    `is_reread`: they may all have been stored before; what is found again is not counted again.
    """

    shard: int
    chunk: Chunk
    entries: Sequence[EntryRows]
    unreadable: Sequence[Unreadable] = ()
    is_reread: bool = False

    def entry_ids(self, is_named: bool, indexes: Sequence[int]) -> list[str]:
        """Give the entry that each of these rows of a kind came in."""
        entries = [entry for entry in self.entries if entry.is_named == is_named]
        ends = list(accumulate(entry.rows for entry in entries))
        return [entries[bisect_right(ends, index)].entry_id for index in indexes]

    def receipts(self) -> Iterator[tuple[int, int]]:
        """Give for each entry the receipt of its first event, in unix microseconds, and its rows.

        Decodes one row of each entry, about 1 µs.
        """
        starts = [0, 0]
        for _, is_named, rows in self.entries:
            if rows:
                yield self.chunk.row(is_named, starts[is_named]).received_at_us, rows
            starts[is_named] += rows
