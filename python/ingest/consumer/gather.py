"""Gathers entries of one shard until there are enough for a transaction. No IO, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ingest._native import FLAG_NAMED, Chunk, EntryError
from ingest.consumer.pace import Held
from ingest.consumer.position import Step
from ingest.errors import NeedsPerson
from ingest.store.load import EntryRows, Load, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingest.consumer.assignment import Tenure
    from ingest.stream.read import Entry

# A newer producer wrote these; a newer consumer can read them. They are waited for, never skipped.
TOO_NEW = frozenset({"unknown_version", "unknown_layout"})


class Span(NamedTuple):
    """What one transaction stores and how far it moves the position."""

    tenure: Tenure
    step: Step
    load: Load


class TooNew(NeedsPerson):
    """An entry of a form that this version does not know: consumers must be upgraded first."""


@dataclass(slots=True)
class Gathering:
    """The entries of a shard after `before`, up to `cursor`.

    `is_reread` gathers entries that lie behind the position: it stays where it is.
    """

    tenure: Tenure
    run_id: str | None
    before: str
    cursor: str
    is_reread: bool = False
    chunk: Chunk = field(default_factory=Chunk)
    entries: list[EntryRows] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    opened_at: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        return self.opened_at is None

    @property
    def held(self) -> Held:
        """What it holds; entries that can't be read count by their bytes."""
        unreadable = sum(len(each.content) for each in self.unreadable)
        return Held(self.chunk.rows, self.chunk.nbytes + unreadable)

    def add(self, entries: Iterable[Entry], now: float) -> None:
        """Take entries in order. TooNew leaves the cursor before the entry that can't be read."""
        for entry in entries:
            self._push(entry)
            self.cursor = entry.entry_id
            if self.opened_at is None:
                self.opened_at = now

    def span(self) -> Span:
        """Give what has been gathered, to be stored as one."""
        after = self.before if self.is_reread else self.cursor
        step = Step(self.tenure.shard, self.before, after, self.run_id)
        load = Load(self.tenure.shard, self.chunk, self.entries, self.unreadable, self.is_reread)
        return Span(self.tenure, step, load)

    def restart(self) -> None:
        """Begin the next span where this one ends."""
        if not self.is_reread:
            self.before = self.cursor
        self.chunk, self.entries, self.unreadable = Chunk(), [], []
        self.opened_at = None

    def _push(self, entry: Entry) -> None:
        try:
            rows = self.chunk.push(entry.header, entry.data)
            _, _, _, flags, _ = Chunk.peek(entry.header)
        except EntryError as error:
            if error.code in TOO_NEW:
                raise TooNew(f"entry {entry.entry_id}: {error}") from error
            self.unreadable.append(_unreadable(entry, error))
        else:
            self.entries.append(EntryRows(entry.entry_id, bool(flags & FLAG_NAMED), rows))


def _unreadable(entry: Entry, error: EntryError) -> Unreadable:
    message = f"{error.code}: {error}"
    return Unreadable(entry.entry_id, entry.header + entry.data, entry.claimed_rows, message)
