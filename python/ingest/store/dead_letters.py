"""What could not be stored, kept with the reason: single tuples, and entries that can't be read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, LiteralString

import psycopg

from ingest.store.errors import is_data_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.store.session import Connection

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


# An entry that is read again (a restarted stream server) must not add its dead letters again.
INSERT: LiteralString = """
    INSERT INTO dead_letter
        (shard, entry_id, project_id, event_id, tuple, event, sqlstate, column_name, message)
    SELECT %(shard)s, %(entry_id)s, encode(%(project_id)s, 'hex')::uuid,
        encode(%(event_id)s, 'hex')::uuid, %(tuple)s, %(event)s::jsonb, %(sqlstate)s, %(column)s,
        %(message)s
    WHERE NOT EXISTS (
        SELECT FROM dead_letter WHERE shard = %(shard)s AND entry_id = %(entry_id)s
        AND tuple = %(tuple)s
    )
    RETURNING id
"""


def insert(connection: Connection, letters: Sequence[DeadLetter]) -> list[bool]:
    """Add letters in the caller's transaction; say of each whether it was not there yet.

    One whose event JSONB refuses is kept without its JSON. Raises psycopg's errors.
    """
    try:
        with connection.transaction():
            return _insert(connection, letters)
    except psycopg.Error as error:
        if not is_data_fault(error):
            raise
    return [_insert_alone(connection, letter) for letter in letters]


def _insert_alone(connection: Connection, letter: DeadLetter) -> bool:
    try:
        with connection.transaction():
            return _insert(connection, [letter])[0]
    except psycopg.Error as error:
        if not is_data_fault(error):
            raise
    return _insert(connection, [replace(letter, event=None)])[0]


def _insert(connection: Connection, letters: Sequence[DeadLetter]) -> list[bool]:
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, [_parameters(letter) for letter in letters], returning=True)
        inserted = [cursor.rowcount == 1]
        while cursor.nextset():
            inserted.append(cursor.rowcount == 1)
    return inserted


def _parameters(letter: DeadLetter) -> dict[str, object]:
    return asdict(letter) | {"message": letter.message[:MAX_MESSAGE]}
