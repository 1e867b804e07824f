"""Dead letters as an operator picks, reads and drops them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from ingest.store.session import Connection

# An entry that is older than this is in no stream any more, so it can't be read again.
SETTLED_KEPT: LiteralString = "90 days"
# What is no SQLSTATE is the code of an entry that can't be read; its message begins with it.
PICK: LiteralString = """
    (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
    AND (%(project_id)s::uuid IS NULL OR project_id = %(project_id)s)
    AND (%(project)s::text IS NULL
        OR project_id = (SELECT project_id FROM project WHERE name = %(project)s))
    AND (%(shard)s::int IS NULL OR shard = %(shard)s)
    AND (%(code)s::text IS NULL OR sqlstate = %(code)s
        OR sqlstate IS NULL AND starts_with(message, %(code)s || ':'))
    AND (%(since)s::timestamptz IS NULL OR dead_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR dead_at < %(until)s)
"""
COLUMNS: LiteralString = (
    "id, dead_at, shard, entry_id, project_id,"
    " (SELECT name FROM project WHERE project.project_id = dead_letter.project_id),"
    " event_id, rows, octet_length(tuple),"
    " event, sqlstate, column_name, message"
)
FIND: LiteralString = f"""
    SELECT {COLUMNS} FROM dead_letter
    WHERE {PICK} AND (%(before)s::bigint IS NULL OR id < %(before)s)
    ORDER BY id DESC LIMIT %(limit)s
"""  # noqa: S608
COUNT: LiteralString = f"SELECT count(*) FROM dead_letter WHERE {PICK}"  # noqa: S608
DROP: LiteralString = f"""
    WITH dropped AS (
        DELETE FROM dead_letter WHERE {PICK} RETURNING shard, entry_id, tuple, event_id
    )
    INSERT INTO settled_letter (shard, entry_id, tuple_hash, is_whole)
    SELECT shard, entry_id, sha256(tuple), event_id IS NULL FROM dropped
"""  # noqa: S608
FORGET: LiteralString = (
    f"DELETE FROM settled_letter WHERE settled_at < now() - interval '{SETTLED_KEPT}'"  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Pick:
    """Which letters; None asks for nothing. `project` is a name."""

    ids: Sequence[int] | None = None
    project_id: UUID | None = None
    shard: int | None = None
    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    project: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether it takes every letter."""
        return not any(self.parameters().values()) and self.shard is None

    def parameters(self) -> dict[str, object]:
        """Give what PICK needs."""
        return {
            "ids": None if self.ids is None else list(self.ids),
            "project_id": self.project_id,
            "project": self.project,
            "shard": self.shard,
            "code": self.code,
            "since": self.since,
            "until": self.until,
        }


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """One letter without its bytes; a whole entry has no project, event id and event.

    `project` is the name, None when there is no such project any more.
    """

    id: int
    dead_at: datetime
    shard: int
    entry_id: str
    project_id: UUID | None
    project: str | None
    event_id: UUID | None
    rows: int
    nbytes: int
    event: object
    sqlstate: str | None
    column: str | None
    message: str

    @property
    def code(self) -> str:
        """The SQLSTATE, or why the entry could not be read."""
        return self.sqlstate or self.message.partition(":")[0]


def find(
    connection: Connection, pick: Pick, limit: int | None = None, before: int | None = None
) -> list[KeptLetter]:
    """Give letters, the newest `limit` of those before an id, the oldest first.

    Raises Retryable or NeedsPerson.
    """
    with translated():
        rows = connection.execute(FIND, pick.parameters() | {"limit": limit, "before": before})
        return [KeptLetter(*row) for row in rows][::-1]


def count(connection: Connection, pick: Pick) -> int:
    """Count letters. Raises Retryable or NeedsPerson."""
    with translated():
        row = connection.execute(COUNT, pick.parameters()).fetchone()
    return int(row[0]) if row else 0


def drop(connection: Connection, pick: Pick) -> int:
    """Delete letters for ever and give how many; the ledger goes on counting them as dead.

    Waits for a replay that has them. Raises Retryable or NeedsPerson.
    """
    with translated(), connection.transaction():
        connection.execute(FORGET)
        return connection.execute(DROP, pick.parameters()).rowcount
