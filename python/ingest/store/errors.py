"""What an error of PostgreSQL means, told by its SQLSTATE.

Three answers: it passes (Retryable), a person must mend it (NeedsPerson), or it is the fault of one
row (a data fault, which only the code that writes rows may ask about).
Source: PostgreSQL's appendix "Error Codes".
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg

from ingest.errors import IngestError, NeedsPerson, Retryable

if TYPE_CHECKING:
    from collections.abc import Iterator

DISK_FULL = "53100"
CHECK_VIOLATION = "23514"
UNIQUE_VIOLATION = "23505"
# Connection, transaction state, rollback, resources, prerequisite state (55P03 is a lock), operator
# intervention; a prepared statement that is gone comes back with a new connection.
PASSING = frozenset({"08", "25", "26", "40", "53", "55", "57"})
# Authentication, names, privileges, missing tables, features, configuration, input/output, bugs.
LASTING = frozenset({"0A", "28", "3D", "3F", "42", "58", "F0", "XX"})
# A refused connection carries no SQLSTATE; the server's English text is all there is.
REFUSALS = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "pg_hba.conf",
    "permission denied",
    "not permitted to log in",
)
# "Key (event_id, project_id, "timestamp")=(<uuid>, <uuid>, ...) already exists."
KEY = re.compile(r"=\([0-9a-f-]{36}, ([0-9a-f-]{36}), ")


class MissingPartition(Retryable):
    """A row lies on a day that has no partition yet."""


class RowRefused(Retryable):
    """A row was refused where no savepoint shelters the others: try again with them."""


def classify(error: psycopg.Error) -> IngestError:
    """Give the error to raise in its place; the text names the SQLSTATE."""
    state = error.sqlstate
    if state is None:
        return _unstated(error)
    text = f"PostgreSQL {state}: {error.diag.message_primary}"
    is_passing = state[:2] in PASSING and state != DISK_FULL
    return Retryable(text) if is_passing else NeedsPerson(text)


def is_data_fault(error: psycopg.Error) -> bool:
    """Say whether a row was refused for what it holds: 22, 23, 44, 54, or a code a user made."""
    state = error.sqlstate
    return state is not None and state[:2] not in PASSING | LASTING


def is_missing_partition(error: psycopg.Error) -> bool:
    """Tell "no partition of relation found for row" from a CHECK, which has a constraint's name."""
    return error.sqlstate == CHECK_VIOLATION and error.diag.constraint_name is None


def is_event_key(error: psycopg.Error) -> bool:
    """Tell a duplicate event from a violation of a unique index that a user added."""
    name = error.diag.constraint_name or ""
    return error.sqlstate == UNIQUE_VIOLATION and name.endswith("_pkey")


def project_of_key(error: psycopg.Error) -> bytes | None:
    """Give the project of a duplicate event; None where the server does not tell the key."""
    key = KEY.search(error.diag.message_detail or "")
    return UUID(key[1]).bytes if key else None


@contextmanager
def translated() -> Iterator[None]:
    """Raise IngestError in the place of psycopg's errors."""
    try:
        yield
    except psycopg.Error as error:
        raise classify(error) from error


def _unstated(error: psycopg.Error) -> IngestError:
    text = f"PostgreSQL: {' '.join(str(error).split()) or type(error).__name__}"
    if any(refusal in text for refusal in REFUSALS):
        return NeedsPerson(text)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Retryable(text)
    return NeedsPerson(text)
