"""Stores a load: rows, dead letters and their counts, all in the caller's transaction.

The caller begins it, moves the position in it and commits. The two kinds of rows are placed apart,
each under its own savepoint, so that a duplicate id of a client costs the other kind nothing.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from ingest.store import copy, dead_letters, ledger, tuples
from ingest.store.dead_letters import DeadLetter
from ingest.store.errors import is_data_fault, is_event_key, project_of_key
from ingest.store.ledger import NO_PROJECT, Fates
from ingest.store.sift import sift

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingest._native import Chunk
    from ingest.store.copy import Buffer, Line
    from ingest.store.load import Load, Unreadable
    from ingest.store.session import Connection
    from ingest.store.sift import Fault
    from ingest.store.staging import Staging
    from ingest.store.tuples import Tuple

HOUR_MS = 3_600_000
# So many projects with a duplicate are found by a COPY that fails, then all rows are staged.
FEW = 3


class _Letter(NamedTuple):
    line: Line
    rows: int
    letter: DeadLetter


class _Placed(NamedTuple):
    duplicates: Counter[Line]
    letters: list[_Letter]


class Sink:
    """Stores loads over any connection; keeps only what it learned about duplicates."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging

    def store(self, connection: Connection, load: Load) -> Fates:
        """Store a load in the caller's transaction; give what became of its rows.

        Raises MissingPartition, and psycopg's errors that no row caused; nothing may be kept then.
        """
        straight = self._place(connection, load, is_named=False)
        named = self._place(connection, load, is_named=True)
        poison = straight.letters + named.letters
        duplicates = straight.duplicates + named.duplicates
        stored = Counter({(bytes(project), hour): n for project, hour, n in load.chunk.ledger})
        stored.subtract(duplicates)
        stored.subtract(_rows_by_line(poison))
        dead = _bury(connection, poison + [_entry_letter(load.shard, e) for e in load.unreadable])
        fates = Fates(stored, Counter() if load.is_reread else duplicates, dead)
        ledger.add(connection, load.shard, fates)
        return fates

    def _place(self, connection: Connection, load: Load, *, is_named: bool) -> _Placed:
        stream = load.chunk.named if is_named else load.chunk.straight
        if len(stream) == 0:
            return _Placed(Counter(), [])
        try:
            duplicates = self._copy(connection, load.chunk, stream, is_named)
        except psycopg.Error as error:
            if not is_data_fault(error):
                raise
            return _sift(connection, load, stream, is_named)
        self._staging.extend(is_named, {project for project, _ in duplicates})
        return _Placed(duplicates, [])

    def _copy(
        self, connection: Connection, chunk: Chunk, stream: memoryview, is_named: bool
    ) -> Counter[Line]:
        """Place rows, those of projects with duplicates through staging; give the duplicates."""
        for _ in range(FEW):
            projects = self._staging.projects(is_named)
            staged, straight = chunk.divide(int(is_named), projects) if projects else (b"", stream)
            try:
                return _copy_both(connection, staged, straight)
            except psycopg.Error as error:
                if not is_event_key(error):
                    raise
                project = project_of_key(error)
            if project is None:
                break
            self._staging.extend(is_named, [project])
        return _copy_both(connection, stream, b"")


def _copy_both(connection: Connection, staged: Buffer, straight: Buffer) -> Counter[Line]:
    with connection.transaction():
        if len(straight) > 0:
            copy.straight(connection, straight)
        return copy.through_staging(connection, staged) if len(staged) > 0 else Counter()


def _sift(connection: Connection, load: Load, stream: memoryview, is_named: bool) -> _Placed:
    rows = tuples.split(stream)
    duplicates, faults = sift(connection, rows)
    entry_ids = load.entry_ids(is_named, list(faults))
    letters = [
        _tuple_letter(load.shard, entry_id, rows[index], fault)
        for entry_id, (index, fault) in zip(entry_ids, faults.items(), strict=True)
    ]
    return _Placed(Counter((rows[i].project_id, rows[i].hour) for i in duplicates), letters)


def _tuple_letter(shard: int, entry_id: str, row: Tuple, fault: Fault) -> _Letter:
    letter = DeadLetter(
        shard=shard,
        entry_id=entry_id,
        project_id=row.project_id,
        event_id=row.event_id,
        tuple=bytes(row.raw),
        event=row.event_json(),
        sqlstate=fault.sqlstate,
        column=fault.column,
        message=fault.message,
    )
    return _Letter((row.project_id, row.hour), 1, letter)


def _entry_letter(shard: int, entry: Unreadable) -> _Letter:
    """An entry names no project that can be trusted; its id tells when it was appended."""
    letter = DeadLetter(
        shard=shard,
        entry_id=entry.entry_id,
        project_id=None,
        event_id=None,
        tuple=entry.content,
        event=None,
        sqlstate=None,
        column=None,
        message=entry.message,
    )
    hour = int(entry.entry_id.partition("-")[0]) // HOUR_MS
    return _Letter((NO_PROJECT, hour), entry.rows, letter)


def _bury(connection: Connection, letters: list[_Letter]) -> Counter[Line]:
    """Insert dead letters; count the rows of those that are new."""
    if not letters:
        return Counter()
    is_new = dead_letters.insert(connection, [each.letter for each in letters])
    return _rows_by_line(compress(letters, is_new))


def _rows_by_line(letters: Iterable[_Letter]) -> Counter[Line]:
    counts: Counter[Line] = Counter()
    for each in letters:
        counts[each.line] += each.rows
    return counts
