"""Puts ready tuples into `event` with COPY BINARY. Raises psycopg's errors.

Straight is the fast way; one duplicate fails it whole, and the transaction with it unless the
caller holds a savepoint. Through a staging table duplicates are left out and counted; a row costs
twice as much.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, LiteralString, TypeAlias

from ingest import metrics

if TYPE_CHECKING:
    from ingest.store.session import Connection

# Bytes of COPY BINARY: psycopg passes either on without a copy.
Buffer: TypeAlias = bytes | memoryview
# The ledger's line: a project's 16 bytes and a unix hour.
Line: TypeAlias = tuple[bytes, int]

COLUMNS: LiteralString = (
    "event_id, project_id, timestamp, received_at, event_type, user_id, session_id, properties"
)
KEY: LiteralString = "event_id, project_id, timestamp"
STRAIGHT: LiteralString = f"COPY event ({COLUMNS}) FROM STDIN (FORMAT BINARY)"

# A temporary table lives as long as the session, is never logged, and has no index. Its columns
# have the tuples' own types: what a user made of the table's columns is for INSERT to refuse.
MAKE_STAGED: LiteralString = """
    CREATE TEMPORARY TABLE IF NOT EXISTS staged (
        event_id uuid, project_id uuid, timestamp timestamptz, received_at timestamptz,
        event_type text, user_id text, session_id text, properties jsonb
    ) ON COMMIT DELETE ROWS
"""
STAGE: LiteralString = f"COPY pg_temp.staged ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
# The arbiter is named: a violation of an index that a user added is a fault, not a duplicate.
UNSTAGE: LiteralString = f"""
    WITH placed AS (
        INSERT INTO event ({COLUMNS}) SELECT {COLUMNS} FROM pg_temp.staged
        ON CONFLICT ({KEY}) DO NOTHING
        RETURNING project_id, received_at
    ), counts AS (
        SELECT project_id, received_at, 1 AS sent FROM pg_temp.staged
        UNION ALL SELECT project_id, received_at, -1 FROM placed
    ), left_out AS (
        SELECT project_id, date_bin('1 hour', received_at, '1970-01-01 00:00:00+00') AS since,
            sum(sent) AS rows
        FROM counts GROUP BY project_id, since HAVING sum(sent) > 0
    )
    SELECT uuid_send(project_id), (extract(epoch FROM since) / 3600)::bigint, rows FROM left_out
"""  # noqa: S608 - constants


_seconds = metrics.COPY_SECONDS.of()


def straight(connection: Connection, stream: Buffer) -> None:
    """COPY a stream of tuples into the table."""
    _copy(connection, STRAIGHT, stream)


def through_staging(connection: Connection, stream: Buffer) -> Counter[Line]:
    """Insert the rows that the table lacks; give the number of the others by project and hour."""
    stage(connection, stream)
    rows = connection.execute(UNSTAGE)
    return Counter({(bytes(project), int(hour)): int(count) for project, hour, count in rows})


def stage(connection: Connection, stream: Buffer) -> None:
    """COPY a stream into the staging table, alone there until the transaction ends."""
    connection.execute(MAKE_STAGED)
    # Emptied by each commit; a second use in one transaction finds the first one's rows. TRUNCATE
    # costs a millisecond, so it is not done for nothing.
    if connection.execute("SELECT FROM pg_temp.staged LIMIT 1").fetchone() is not None:
        connection.execute("TRUNCATE pg_temp.staged")
    _copy(connection, STAGE, stream)


def _copy(connection: Connection, statement: LiteralString, stream: Buffer) -> None:
    began = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(stream)
    _seconds.observe(time.perf_counter() - began)
