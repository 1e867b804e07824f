"""Follows the stream as it is appended to, for people who look: a sample, at a bounded rate.

Not the consumer's way of reading: nothing depends on it, and under load most entries are passed
over. While little comes every entry is seen, although consumers trim it some milliseconds later,
because a read waits for it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingest._native import Chunk, EntryError
from ingest.stream.read import StreamReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingest._native import Row
    from ingest.stream.read import Entry

# Valkey copies an entry of 256 KiB for each read, so this is 2.5 MB/s when it is most.
READS_PER_S = 10
BURST = 30
ROWS = 20
# Of a large entry the first rows are looked at, so that each project and type in them is shown.
LOOKED_AT = 500
NAMED, STRAIGHT = 1, 0


class Budget:
    """Reads that may be made now: some at once, then so many a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = float(BURST)
        self._at = clock()

    def wait_s(self) -> float:
        """Take one; give how long to wait before it is used."""
        now = self._clock()
        self._left = min(BURST, self._left + (now - self._at) * READS_PER_S)
        self._at = now
        self._left -= 1
        return max(0.0, -self._left / READS_PER_S)


class Follower:
    """For one thread. Raises Retryable or NeedsPerson."""

    def __init__(self, url: str, shards: int) -> None:
        self._reader = StreamReader(url, "ingest-follow")
        self._shards = range(shards)
        self._cursors: dict[int, str] = {}
        self._budget = Budget()

    def read(self, block_ms: int, pause: Callable[[float], object] = time.sleep) -> list[Row]:
        """Wait for the next entries, at most one a shard, and give some of their rows."""
        wait_s = self._budget.wait_s()
        if wait_s or not self._cursors:
            pause(wait_s)
            self._cursors = self._reader.ends(self._shards)
        found = self._reader.read(self._cursors, 1, block_ms)
        for shard, entries in found.items():
            self._cursors[shard] = entries[-1].entry_id
        return [row for entries in found.values() for entry in entries for row in _rows(entry)]

    def close(self) -> None:
        """End the connection."""
        self._reader.close()


def _rows(entry: Entry) -> list[Row]:
    chunk = Chunk()
    try:
        chunk.push(entry.header, entry.data)
    except EntryError:
        return []  # the consumer makes a dead letter of it, which is told elsewhere
    return choose(list(_looked_at(chunk)))


def choose(rows: list[Row]) -> list[Row]:
    """Choose some rows in their order: the first of each project and type, then the first ones."""
    if len(rows) <= ROWS:
        return rows
    firsts: dict[tuple[bytes, str], int] = {}
    for index, row in enumerate(rows):
        firsts.setdefault((row.project_id, row.event_type), index)
    chosen = dict.fromkeys([*firsts.values(), *range(len(rows))])
    return [rows[index] for index in sorted([*chosen][:ROWS])]


def _looked_at(chunk: Chunk) -> Iterator[Row]:
    for kind, count in ((STRAIGHT, chunk.straight_rows), (NAMED, chunk.named_rows)):
        for index in range(min(count, LOOKED_AT)):
            yield chunk.row(kind, index)
