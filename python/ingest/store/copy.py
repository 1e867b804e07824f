"""Puts ready tuples into `event` with COPY BINARY. Raises psycopg's errors.

The caller holds a savepoint. Straight is the fast way; one duplicate fails it whole. Through a
staging table duplicates are left out and counted; a row costs about half as much again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, LiteralString, TypeAlias

if TYPE_CHECKING:
    from ingest.store.session import Connection

# Bytes of COPY BINARY: psycopg passes either on without a copy.
Buffer: TypeAlias = bytes | memoryview
# The ledger's line: a project's 16 bytes and a unix hour.
Line: TypeAlias = tuple[bytes, int]
# What the table holds once: event id, project id and timestamp as they stand in a tuple.
Key: TypeAlias = tuple[bytes, bytes, bytes]

COLUMNS: LiteralString = (
    "event_id, project_id, timestamp, received_at, event_type, user_id, session_id, properties"
)
KEY: LiteralString = "event_id, project_id, timestamp"
STRAIGHT: LiteralString = f"COPY event ({COLUMNS}) FROM STDIN (FORMAT BINARY)"

# Temporary tables live as long as the session, are never logged, and have no index.
STAGING: LiteralString = "CREATE TEMPORARY TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS"
MAKE_STAGED: LiteralString = STAGING.format("staged", "LIKE event")
MAKE_STAGED_KEY: LiteralString = STAGING.format(
    "staged_key", "event_id uuid, project_id uuid, timestamp timestamptz"
)
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
# LIMIT keeps the planner from reading the whole table: it looks each key up in its partition.
FIND: LiteralString = """
    SELECT uuid_send(event_id), uuid_send(project_id), timestamptz_send(timestamp)
    FROM pg_temp.staged_key AS staged CROSS JOIN LATERAL (
        SELECT FROM event WHERE event.event_id = staged.event_id
        AND event.project_id = staged.project_id AND event.timestamp = staged.timestamp LIMIT 1
    ) AS found
"""


def straight(connection: Connection, stream: Buffer) -> None:
    """COPY a stream of tuples into the table."""
    _copy(connection, STRAIGHT, stream)


def through_staging(connection: Connection, stream: Buffer) -> Counter[Line]:
    """Insert the rows that the table lacks; give the number of the others by project and hour."""
    _stage(connection, MAKE_STAGED, "staged", stream)
    rows = connection.execute(UNSTAGE)
    return Counter({(bytes(project), int(hour)): int(count) for project, hour, count in rows})


def find(connection: Connection, keys: Buffer) -> set[Key]:
    """Give those keys of a stream of three-column tuples that the table already has."""
    _stage(connection, MAKE_STAGED_KEY, "staged_key", keys)
    rows = connection.execute(FIND)
    return {(bytes(event), bytes(project), bytes(time)) for event, project, time in rows}


def _stage(
    connection: Connection, make: LiteralString, table: LiteralString, stream: Buffer
) -> None:
    connection.execute(make)
    # Emptied by each commit; a second use in one transaction finds the first one's rows. TRUNCATE
    # costs a millisecond, so it is not done for nothing.
    if connection.execute(f"SELECT FROM pg_temp.{table} LIMIT 1").fetchone() is not None:
        connection.execute(f"TRUNCATE pg_temp.{table}")
    _copy(connection, f"COPY pg_temp.{table} FROM STDIN (FORMAT BINARY)", stream)


def _copy(connection: Connection, statement: LiteralString, stream: Buffer) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(stream)
