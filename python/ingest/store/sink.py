"""Stores a load: rows and dead letters, in the caller's transaction.

The caller begins it, moves the position in it, adds to the ledger and commits. Hardly any load has
a row that PostgreSQL refuses, so callers try it without savepoints first. Sheltered, the two kinds
of rows are placed apart, each under its own savepoint, so that a duplicate id of a client costs the
other kind nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from ingest.store import copy, dead_letters, lookup, tuples
from ingest.store.dead_letters import DeadLetter, Known
from ingest.store.errors import RowRefused, is_data_fault, is_event_key, project_of_key
from ingest.store.ledger import Fates
from ingest.store.sift import sift

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingest._native import Chunk
    from ingest.store.copy import Line
    from ingest.store.load import Load
    from ingest.store.repeaters import Repeaters
    from ingest.store.session import Connection
    from ingest.store.tuples import Tuple

# So many repeaters are found by a COPY that fails, one each; then all rows are staged once.
FEW = 3


class _Placed(NamedTuple):
    duplicates: Counter[Line]
    letters: list[DeadLetter]


class Sink:
    """Stores loads over any connection; keeps only what it learned about duplicates."""

    def __init__(self, repeaters: Repeaters) -> None:
        self._repeaters = repeaters

    def store(self, connection: Connection, load: Load, *, sheltered: bool = True) -> Fates:
        """Store a load in the caller's transaction; give what became of its rows.

        Raises MissingPartition, and psycopg's errors that no row caused; nothing may be kept then.
        Not sheltered it takes two round trips fewer for each kind of rows, and raises RowRefused
        for one that PostgreSQL refuses: in a new transaction it can be stored sheltered.
        """
        known = _known(connection, load)
        straight = self._place(connection, load, known, is_named=False, sheltered=sheltered)
        named = self._place(connection, load, known, is_named=True, sheltered=sheltered)
        poison = straight.letters + named.letters
        duplicates = straight.duplicates + named.duplicates
        stored = Counter({(bytes(project), hour): n for project, hour, n in load.chunk.ledger})
        stored.subtract(duplicates)
        stored.subtract(_rows_by_line(poison))
        unreadable = [each for each in load.unreadable if each.entry_id not in known.entries]
        whole = [DeadLetter.of_entry(load.shard, each) for each in unreadable]
        dead = _bury(connection, poison + whole)
        return Fates(stored, Counter() if load.is_reread else duplicates, dead)

    def _place(
        self, connection: Connection, load: Load, known: Known, *, is_named: bool, sheltered: bool
    ) -> _Placed:
        stream = load.chunk.named if is_named else load.chunk.straight
        if len(stream) == 0:
            return _Placed(Counter(), [])
        if any(known):
            return _sift(connection, load, stream, known, is_named)
        copied = self._copy if sheltered else self._copy_once
        try:
            duplicates = copied(connection, load.chunk, stream, is_named)
        except psycopg.Error as error:
            if not is_data_fault(error):
                raise
            if not sheltered:
                raise RowRefused(str(error)) from error
            return _sift(connection, load, stream, known, is_named)
        self._repeaters.extend(is_named, {project for project, _ in duplicates})
        return _Placed(duplicates, [])

    def _copy(
        self, connection: Connection, chunk: Chunk, stream: memoryview, is_named: bool
    ) -> Counter[Line]:
        """Place rows that the table lacks; give the duplicates."""
        for _ in range(FEW):
            known = self._repeaters.projects(is_named)
            try:
                with connection.transaction():
                    return self._copy_once(connection, chunk, stream, is_named)
            except psycopg.Error as error:
                if not is_event_key(error):
                    raise
            # No new one: its row was stored since it was looked up, by another consumer.
            if self._repeaters.projects(is_named) <= known:
                break
        with connection.transaction():
            return copy.through_staging(connection, stream)

    def _copy_once(
        self, connection: Connection, chunk: Chunk, stream: memoryview, is_named: bool
    ) -> Counter[Line]:
        """COPY all rows but those of repeaters that the table has already; give these.

        Notes whose row it has, too.
        """
        projects = self._repeaters.projects(is_named)
        known = _stored_rows(connection, chunk, projects, is_named) if projects else set()
        rest = chunk.without(int(is_named), known) if known else stream
        try:
            if len(rest) > 0:
                copy.straight(connection, rest)
        except psycopg.Error as error:
            if is_event_key(error) and (project := project_of_key(error)):
                self._repeaters.extend(is_named, [project])
            raise
        duplicates = chunk.ledger_of(int(is_named), known) if known else ()
        return Counter({(bytes(project), hour): rows for project, hour, rows in duplicates})


def _stored_rows(
    connection: Connection, chunk: Chunk, projects: set[bytes], is_named: bool
) -> set[int]:
    keys = chunk.keys(int(is_named), projects)
    return {*keys.repeated, *lookup.stored(connection, keys, chunk.days)}


def _known(connection: Connection, load: Load) -> Known:
    """Find the dead letters of entries that are read again: they stay what they are."""
    if not load.is_reread:
        return Known()
    readable = {each.entry_id for each in load.entries}
    unreadable = {each.entry_id for each in load.unreadable}
    return dead_letters.known(connection, load.shard, readable | unreadable)


def _sift(
    connection: Connection, load: Load, stream: memoryview, known: Known, is_named: bool
) -> _Placed:
    rows = tuples.split(stream)
    left_out = _rows_known(load, rows, known, is_named) if any(known) else set()
    tried = [index for index in range(len(rows)) if index not in left_out]
    doubled, refused = sift(connection, [rows[index] for index in tried])
    duplicates = left_out | {tried[number] for number in doubled}
    faults = {tried[number]: fault for number, fault in refused.items()}
    letters = [
        DeadLetter.of_row(load.shard, entry_id, rows[index], fault)
        for entry_id, (index, fault) in zip(
            load.entry_ids(is_named, list(faults)), faults.items(), strict=True
        )
    ]
    return _Placed(Counter((rows[i].project_id, rows[i].hour) for i in duplicates), letters)


def _rows_known(load: Load, rows: Sequence[Tuple], known: Known, is_named: bool) -> set[int]:
    entry_ids = load.entry_ids(is_named, range(len(rows)))
    return {
        index
        for index, (entry_id, row) in enumerate(zip(entry_ids, rows, strict=True))
        if known.has_row(entry_id, row.raw)
    }


def _bury(connection: Connection, letters: list[DeadLetter]) -> Counter[Line]:
    """Insert dead letters; count their rows."""
    if letters:
        dead_letters.insert(connection, letters)
    return _rows_by_line(letters)


def _rows_by_line(letters: Iterable[DeadLetter]) -> Counter[Line]:
    counts: Counter[Line] = Counter()
    for letter in letters:
        counts[letter.line] += letter.rows
    return counts
