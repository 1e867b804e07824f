"""How much to read at once, so that neither a read nor a span passes its bound by much.

Reading is bounded by a count, memory by bytes and transactions by rows: what the largest entries of
the last read held says how they relate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ingest.stream.read import count_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.settings import Settings


class Bounds(NamedTuple):
    """What one span may hold."""

    max_rows: int
    max_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """Take them from the settings."""
        return cls(settings.chunk_rows, settings.chunk_bytes)


class Held(NamedTuple):
    """What a span holds, or an entry gave."""

    rows: int
    nbytes: int


class Pace:
    """Remembers the last read's largest entries."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._stream_bytes = 0
        self._entry = Held(0, 0)

    def note(self, stream_bytes: int, largest: Held) -> None:
        """Note a read: its largest entry in the stream, and the most that entries gave each."""
        self._stream_bytes = stream_bytes
        self._entry = largest

    def room(self, held: Held) -> int:
        """Give how many more entries a span may take; at least one while it is empty."""
        rows = (self._bounds.max_rows - held.rows) // max(1, self._entry.rows)
        size = (self._bounds.max_bytes - held.nbytes) // max(1, self._entry.nbytes)
        return max(0 if any(held) else 1, min(rows, size))

    def count(self, spans: Sequence[Held]) -> int:
        """Give how many entries to read for each of the spans that have room."""
        return min(count_for(self._stream_bytes, len(spans)), *map(self.room, spans))
