"""Puts dead letters into `event` after all, and moves their counts in the ledger.

A transaction takes some letters, places their rows as a consumer places poison, and deletes what
was placed. Letters are locked and those that another replay has are passed over, so each is placed
by one replay; the table's key does the rest. Nothing that a consumer needs is locked while the
client sends data, and the server ends a transaction whose client is silent for long.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString, NamedTuple

from ingest._native import Chunk, EntryError
from ingest.errors import Retryable
from ingest.store import dead_letters, ledger, partitions, tuples
from ingest.store.dead_letters import DeadLetter, entry_line
from ingest.store.errors import translated
from ingest.store.kept_letters import PICK
from ingest.store.ledger import Fates
from ingest.store.sift import sift
from ingest.store.tuples import Tuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingest.store.kept_letters import Pick
    from ingest.store.session import Connection
    from ingest.store.sift import Fault

# A transaction's letters; one larger than all that goes alone.
MAX_LETTERS = 2000
MAX_BYTES = 16 << 20
HEADER_BYTES = 52  # of an entry: native/src/entry.rs
# A deadlock with a consumer that stores the same events, or a day that was dropped meanwhile.
ATTEMPTS = 5
PAUSE_S = 0.2

NEWEST: LiteralString = "SELECT coalesce(max(id), 0) FROM dead_letter"
CANDIDATES: LiteralString = f"""
    SELECT id FROM (
        SELECT id, row_number() OVER by_id AS number,
            sum(octet_length(tuple)) OVER by_id AS nbytes
        FROM (
            SELECT id, tuple FROM dead_letter WHERE {PICK} AND id > %(after)s AND id <= %(upto)s
            ORDER BY id LIMIT {MAX_LETTERS}
        ) AS picked
        WINDOW by_id AS (ORDER BY id)
    ) AS measured
    WHERE nbytes <= {MAX_BYTES} OR number = 1
"""  # noqa: S608 - constants
READ: LiteralString = """
    SELECT id, shard, entry_id, event_id IS NULL, tuple, rows FROM dead_letter
    WHERE id = ANY(%s) ORDER BY id
"""
LOCK: LiteralString = READ + " FOR UPDATE SKIP LOCKED"
# A client that is gone without a word would keep the consumer from the ledger's lines.
IMPATIENT: LiteralString = "SET LOCAL idle_in_transaction_session_timeout = '10s'"
DELETE: LiteralString = "DELETE FROM dead_letter WHERE id = ANY(%s)"
SETTLE: LiteralString = """
    INSERT INTO settled_letter (shard, entry_id, tuple_hash, is_whole)
    SELECT shard, entry_id, sha256(tuple), true FROM dead_letter WHERE id = ANY(%s)
"""
TELL: LiteralString = """
    UPDATE dead_letter SET sqlstate = %s, column_name = %s, message = %s WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the rows of some letters; `dead` are those that still can't be stored."""

    letters: int = 0
    stored: int = 0
    duplicates: int = 0
    dead: int = 0

    def __add__(self, other: Replayed) -> Replayed:
        """Add up two transactions."""
        return Replayed(
            self.letters + other.letters,
            self.stored + other.stored,
            self.duplicates + other.duplicates,
            self.dead + other.dead,
        )


class _Letter(NamedTuple):
    id: int
    shard: int
    entry_id: str
    is_whole: bool
    content: bytes
    rows: int


class _Row(NamedTuple):
    letter: _Letter
    tuple: Tuple


class _Read(NamedTuple):
    """Letters taken apart: rows, entries that can be read now, and why others still can't."""

    rows: list[_Row]
    entries: list[_Letter]
    unreadable: dict[_Letter, str]

    @property
    def days(self) -> set[int]:
        return {row.tuple.day for row in self.rows}


def replay(connection: Connection, pick: Pick) -> Iterator[Replayed]:
    """Replay letters in the order of their ids, a transaction at a time; gives what each did.

    Letters of another replay that runs at the same time are passed over. Raises Retryable or
    NeedsPerson; what was given before is committed.
    """
    # Rows of a whole entry that are refused become new letters, which are not for this replay.
    with translated():
        newest = connection.execute(NEWEST).fetchone()
    after, upto = 0, newest[0] if newest else 0
    while ids := _candidates(connection, pick, after, upto):
        yield _patiently(connection, ids)
        after = max(ids)


def _candidates(connection: Connection, pick: Pick, after: int, upto: int) -> list[int]:
    bounds = {"after": after, "upto": upto}
    with translated():
        rows = connection.execute(CANDIDATES, pick.parameters() | bounds)
        return [id_ for (id_,) in rows]


def _patiently(connection: Connection, ids: list[int]) -> Replayed:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _replay(connection, ids)
        except Retryable:
            if attempt == ATTEMPTS or connection.closed:
                raise
        time.sleep(PAUSE_S * attempt * random.uniform(0.5, 1))  # noqa: S311
    raise AssertionError


def _replay(connection: Connection, ids: list[int]) -> Replayed:
    with translated():
        days = _take_apart(_letters(connection, READ, ids)).days
        partitions.ensure(connection, days)
        with connection.transaction():
            connection.execute(IMPATIENT)
            letters = _letters(connection, LOCK, ids)
            return _place(connection, letters)


def _letters(connection: Connection, query: LiteralString, ids: list[int]) -> list[_Letter]:
    return [_Letter(*row) for row in connection.execute(query, (ids,))]


def _take_apart(letters: Iterable[_Letter]) -> _Read:
    read = _Read([], [], {})
    for letter in letters:
        if not letter.is_whole:
            read.rows.append(_Row(letter, Tuple(memoryview(letter.content))))
            continue
        try:
            read.rows.extend(_Row(letter, row) for row in _decode(letter.content))
        except EntryError as error:
            read.unreadable[letter] = f"{error.code}: {error}"
        else:
            read.entries.append(letter)
    return read


def _decode(content: bytes) -> list[Tuple]:
    """Read a whole entry, its header first; EntryError when it still can't be read."""
    chunk = Chunk()
    chunk.push(content[:HEADER_BYTES], content[HEADER_BYTES:])
    return tuples.split(chunk.straight) + tuples.split(chunk.named)


def _place(connection: Connection, letters: list[_Letter]) -> Replayed:
    read = _take_apart(letters)
    duplicates, faults = sift(connection, [row.tuple for row in read.rows])
    _keep_refused(connection, read, faults)
    _let_go(connection, read, faults)
    fates = _fates(read, duplicates, faults)
    for shard in sorted(fates):
        ledger.add(connection, shard, fates[shard])
    unread = sum(letter.rows for letter in read.unreadable)
    stored = len(read.rows) - len(duplicates) - len(faults)
    return Replayed(len(letters), stored, len(duplicates), len(faults) + unread)


def _keep_refused(connection: Connection, read: _Read, faults: dict[int, Fault]) -> None:
    """Note the new errors; rows of a whole entry that are refused become letters of their own."""
    told: list[tuple[str | None, str | None, str, int]] = [
        (None, None, message, letter.id) for letter, message in read.unreadable.items()
    ]
    new: list[DeadLetter] = []
    for index, fault in faults.items():
        letter, row = read.rows[index]
        if letter.is_whole:
            new.append(DeadLetter.of_row(letter.shard, letter.entry_id, row, fault))
        else:
            message = fault.message[: dead_letters.MAX_MESSAGE]
            told.append((fault.sqlstate, fault.column, message, letter.id))
    with connection.cursor() as cursor:
        cursor.executemany(TELL, told)
    if new:
        dead_letters.insert(connection, new)


def _let_go(connection: Connection, read: _Read, faults: dict[int, Fault]) -> None:
    whole = {letter.id for letter in read.entries}
    refused = {read.rows[index].letter.id for index in faults} - whole
    gone = {row.letter.id for row in read.rows} - refused | whole
    if whole:
        connection.execute(SETTLE, (list(whole),))
    connection.execute(DELETE, (list(gone),))


def _fates(read: _Read, duplicates: set[int], faults: dict[int, Fault]) -> dict[int, Fates]:
    """Give what the ledger of each shard gains and loses."""
    fates: dict[int, Fates] = defaultdict(Fates)
    for index, (letter, row) in enumerate(read.rows):
        own, line = fates[letter.shard], (row.project_id, row.hour)
        if not letter.is_whole:
            own.dead[line] -= 1
        fate = own.duplicates if index in duplicates else own.stored
        (own.dead if index in faults else fate)[line] += 1
    for letter in read.entries:
        fates[letter.shard].dead[entry_line(letter.entry_id)] -= letter.rows
    return fates
