"""Places what PostgreSQL will take of a stream that holds poison, and tells each poison row apart.

Duplicates are taken out first, so that every attempt can be a COPY: its error names a line, and the
one poison row is found without a search. After a few, the rows of the offending projects are walked
in pieces that shrink at each fault, and all others go in one COPY: a project with much poison costs
the others nothing. An error without a line (a trigger AFTER the row) halves the piece instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from ingest.store import copy, tuples
from ingest.store.errors import (
    MissingPartition,
    is_data_fault,
    is_event_key,
    is_missing_partition,
)
from ingest.store.partitions import DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingest.store.session import Connection
    from ingest.store.tuples import Tuple

# So many poison rows (or offending projects) are taken out one by one, with a COPY of all the rest
# after each; beyond, projects are set apart.
FEW = 3
# A piece of the walk in rows. Each poison row costs about two COPYs, so small pieces waste little
# when poison is dense; pieces double while all goes well.
FIRST_PIECE = 64
LEAST_PIECE = 4
# "COPY event, line 7" in any language of the server.
LINE = re.compile(r"COPY event\b\D*(\d+)")
COLUMN = re.compile(r"COPY event, line \d+, column (\w+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row was refused."""

    sqlstate: str
    column: str | None
    message: str


def sift(connection: Connection, rows: Sequence[Tuple]) -> tuple[set[int], dict[int, Fault]]:
    """Place the rows that can be; give the indexes of duplicates, and of poison with its faults.

    The rows placed are in the caller's transaction. Raises psycopg's errors that no row caused.
    """
    sieve = _Sieve(connection, rows)
    sieve.run()
    return sieve.duplicates, sieve.faults


class _Sieve:
    def __init__(self, connection: Connection, rows: Sequence[Tuple]) -> None:
        self._connection = connection
        self._rows = rows
        self.duplicates: set[int] = set()
        self.faults: dict[int, Fault] = {}

    def run(self) -> None:
        left = self._few(self._without_duplicates(range(len(self._rows))))
        self._walk(self._set_apart(left))

    def _few(self, todo: list[int]) -> list[int]:
        """Place all but a few poison rows; give the rows that are left when there are more."""
        while todo:
            index, fault = self._attempt(todo)
            if fault is None:
                return []
            if index is None or len(self.faults) == FEW:
                return todo
            self.faults[index] = fault
            todo = [row for row in todo if row != index]
        return todo

    def _set_apart(self, todo: list[int]) -> list[int]:
        """Place the rows of innocent projects; give those of the offenders."""
        offenders = {self._rows[index].project_id for index in self.faults}
        for _ in range(FEW):
            rest = [index for index in todo if self._rows[index].project_id not in offenders]
            index, fault = self._attempt(rest)
            if fault is None:
                return [index for index in todo if self._rows[index].project_id in offenders]
            if index is None:
                break
            offenders.add(self._rows[index].project_id)
        return todo

    def _walk(self, todo: list[int]) -> None:
        piece = FIRST_PIECE
        while todo:
            part = todo[:piece]
            index, fault = self._attempt(part)
            if fault is None:
                todo = todo[len(part) :]
                piece *= 2
            elif index is None and len(part) > 1:
                piece = len(part) // 2
            else:
                todo, piece = self._condemn(todo, part[0] if index is None else index, fault)

    def _condemn(self, todo: list[int], index: int, fault: Fault) -> tuple[list[int], int]:
        """Place what stands before the poison row and go on behind it."""
        at = todo.index(index)
        _, other = self._attempt(todo[:at])
        if other is not None:
            return todo, at
        self.faults[index] = fault
        return todo[at + 1 :], max(LEAST_PIECE, at)

    def _attempt(self, indexes: list[int]) -> tuple[int | None, Fault | None]:
        """COPY some rows under a savepoint; (None, None) when they are placed."""
        todo = [index for index in indexes if index not in self.duplicates]
        if not todo:
            return None, None
        try:
            with self._connection.transaction():
                copy.straight(self._connection, self._stream(todo))
        except psycopg.Error as error:
            if is_event_key(error):  # another consumer stored the same event just now
                return self._attempt(self._without_duplicates(todo))
            return self._blame(error, todo)
        return None, None

    def _blame(self, error: psycopg.Error, indexes: list[int]) -> tuple[int | None, Fault]:
        if not is_data_fault(error):
            raise error
        index = _line(error, indexes)
        if is_missing_partition(error) and (index is None or self._rows[index].day in DAYS):
            raise MissingPartition(str(error)) from error
        return index, _fault(error)

    def _without_duplicates(self, indexes: Iterable[int]) -> list[int]:
        """Note and leave out what the table has, and all but the first of equal keys."""
        todo = list(indexes)
        keys = tuples.join_keys([self._rows[index] for index in todo])
        seen = copy.find(self._connection, keys)
        fresh: list[int] = []
        for index in todo:
            key = self._rows[index].key
            if key in seen:
                self.duplicates.add(index)
            else:
                fresh.append(index)
                seen.add(key)
        return fresh

    def _stream(self, indexes: Iterable[int]) -> bytes:
        return tuples.join([self._rows[index] for index in indexes])


def _line(error: psycopg.Error, indexes: list[int]) -> int | None:
    found = LINE.search(error.diag.context or "")
    return indexes[int(found[1]) - 1] if found else None


def _fault(error: psycopg.Error) -> Fault:
    named = COLUMN.search(error.diag.context or "")
    column = error.diag.column_name or (named[1] if named else None)
    return Fault(error.sqlstate or "", column, error.diag.message_primary or str(error))
