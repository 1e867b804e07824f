"""What waits in a shard behind a position, counted while the shard is held.

A hold is a key that keeps consumers from trimming. It ends by itself soon after whoever took it is
gone, and its value tells whether it lasted: one that has lapsed and was taken anew has another.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ingest._native import Chunk, EntryError
from ingest.errors import Retryable
from ingest.stream.connection import connect
from ingest.stream.read import StreamReader, count_for, translated
from ingest.stream.shards import hold_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.stream.accepted import Line
    from ingest.stream.read import Entry

# Long enough for one read on a busy machine; trimming goes on so long after the last one.
HOLD_MS = 3000
TAKE = """#!lua flags=allow-oom
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('GET', KEYS[1])
"""


class Lapsed(Retryable):
    """A hold ended too soon: entries may be gone that were not counted."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that can't be read here; `rows` is what its header says."""

    entry_id: str
    rows: int
    code: str


@dataclass(slots=True)
class Waiting:
    """What entries hold: events by line, and the entries that can't be read."""

    entries: int = 0
    rows: Counter[Line] = field(default_factory=Counter)
    unreadable: list[Unreadable] = field(default_factory=list)

    def add(self, entries: list[Entry]) -> None:
        """Count the events of entries."""
        chunk = Chunk()
        for entry in entries:
            try:
                chunk.push(entry.header, entry.data)
            except EntryError as error:
                found = Unreadable(entry.entry_id, entry.claimed_rows, error.code)
                self.unreadable.append(found)
        self.entries += len(entries)
        for project, hour, rows in chunk.ledger:
            self.rows[bytes(project), hour] += rows


class Hold:
    """A shard that is not trimmed for the time being. Raises Retryable or NeedsPerson."""

    def __init__(self, url: str, shard: int, name: str) -> None:
        self._client = connect(url, name=name)
        self._reader = StreamReader(url, name)
        self._shard = shard
        self._value = b""

    def __enter__(self) -> Self:
        """Take the hold, or share one that is there."""
        self._value = self._take()
        return self

    def __exit__(self, *_error: object) -> None:
        """Leave it to its end: another may count on it."""
        self._client.close()
        self._reader.close()

    def check(self) -> None:
        """Lengthen the hold; Lapsed unless it has lasted since it was taken."""
        if self._take() != self._value:
            raise Lapsed(f"shard {self._shard} was not held long enough")

    def waiting(
        self, after: str, upto: str, tell: Callable[[int], object] = lambda _events: None
    ) -> Waiting:
        """Read what lies after one id up to and with another, at most some MiB at a time.

        Tells how many events it has read so far.
        """
        waiting, largest = Waiting(), 0
        while entries := self._reader.read_again(self._shard, after, upto, count_for(largest, 1)):
            waiting.add(entries)
            tell(waiting.rows.total())
            after = entries[-1].entry_id
            largest = max(len(entry.data) for entry in entries)
            self.check()
        return waiting

    def _take(self) -> bytes:
        with translated():
            words = (hold_key(self._shard), secrets.token_hex(8), HOLD_MS)
            value: Any = self._client.eval(TAKE, 1, *words)
        return bytes(value)
