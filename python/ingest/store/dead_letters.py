"""What could not be stored, kept with the reason: single tuples, and entries that can't be read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, LiteralString, NamedTuple, Self

import psycopg

from ingest.balance import HOUR_MS, NO_PROJECT
from ingest.store.errors import is_data_fault
from ingest.store.tuples import Tuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ingest.store.copy import Line
    from ingest.store.load import Unreadable
    from ingest.store.session import Connection
    from ingest.store.sift import Fault

# A message may quote the refused value, which can be as large as an event.
MAX_MESSAGE = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One line of the table. A whole entry has no project and event id; `tuple` is its bytes."""

    shard: int
    entry_id: str
    project_id: bytes | None
    event_id: bytes | None
    tuple: bytes
    event: str | None
    sqlstate: str | None
    column: str | None
    message: str
    rows: int = 1

    @classmethod
    def of_row(cls, shard: int, entry_id: str, row: Tuple, fault: Fault) -> Self:
        """Make the letter of one refused row."""
        return cls(
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

    @classmethod
    def of_entry(cls, shard: int, entry: Unreadable) -> Self:
        """Make the letter of an entry that can't be read."""
        return cls(
            shard=shard,
            entry_id=entry.entry_id,
            project_id=None,
            event_id=None,
            tuple=entry.content,
            event=None,
            sqlstate=None,
            column=None,
            message=entry.message,
            rows=entry.rows,
        )

    @property
    def line(self) -> Line:
        """The ledger's line that counts it."""
        if self.event_id is None:
            return entry_line(self.entry_id)
        row = Tuple(memoryview(self.tuple))
        return row.project_id, row.hour


def entry_line(entry_id: str) -> Line:
    """Give the line of an unreadable entry: no project can be trusted, its id has the hour."""
    return NO_PROJECT, int(entry_id.partition("-")[0]) // HOUR_MS


INSERT: LiteralString = """
    INSERT INTO dead_letter (
        shard, entry_id, project_id, event_id, tuple, event, sqlstate, column_name, message, rows
    )
    VALUES (%(shard)s, %(entry_id)s, encode(%(project_id)s, 'hex')::uuid,
        encode(%(event_id)s, 'hex')::uuid, %(tuple)s, %(event)s::jsonb, %(sqlstate)s, %(column)s,
        %(message)s, %(rows)s)
"""


def insert(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Add letters in the caller's transaction.

    One whose event JSONB refuses is kept without its JSON. Raises psycopg's errors.
    """
    try:
        with connection.transaction():
            _insert(connection, letters)
    except psycopg.Error as error:
        if not is_data_fault(error):
            raise
        for letter in letters:
            _insert_alone(connection, letter)


def _insert_alone(connection: Connection, letter: DeadLetter) -> None:
    try:
        with connection.transaction():
            _insert(connection, [letter])
    except psycopg.Error as error:
        if not is_data_fault(error):
            raise
        _insert(connection, [replace(letter, event=None)])


def _insert(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, [_parameters(letter) for letter in letters])


def _parameters(letter: DeadLetter) -> dict[str, object]:
    return asdict(letter) | {"message": letter.message[:MAX_MESSAGE]}


KNOWN: LiteralString = """
    SELECT entry_id, sha256(tuple), event_id IS NULL FROM dead_letter
    WHERE shard = %(shard)s AND entry_id = ANY(%(entry_ids)s)
    UNION SELECT entry_id, tuple_hash, is_whole FROM settled_letter
    WHERE shard = %(shard)s AND entry_id = ANY(%(entry_ids)s)
"""


class Known(NamedTuple):
    """The dead letters, kept or dropped, that some entries gave when they were first read."""

    entries: frozenset[str] = frozenset()
    tuples: frozenset[tuple[str, bytes]] = frozenset()

    def has_row(self, entry_id: str, raw: memoryview) -> bool:
        """Say whether this row, or the whole entry, went to dead letters."""
        return entry_id in self.entries or (entry_id, sha256(raw).digest()) in self.tuples


def known(connection: Connection, shard: int, entry_ids: Collection[str]) -> Known:
    """Find what entries gave before; raises psycopg's errors."""
    rows = connection.execute(KNOWN, {"shard": shard, "entry_ids": list(entry_ids)}).fetchall()
    return Known(
        frozenset(entry_id for entry_id, _, is_whole in rows if is_whole),
        frozenset((entry_id, bytes(found)) for entry_id, found, is_whole in rows if not is_whole),
    )
