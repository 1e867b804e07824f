"""A schema of its own in the test server, with the tables of ingest, and COPY into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from ingest._native import COPY_COLUMNS
from ingest.store import migrations, session
from psycopg import sql
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from ingest.local.postgres import EmbeddedPostgres
    from ingest.store.session import Connection

COPY = sql.SQL("COPY event ({}) FROM STDIN (FORMAT BINARY)").format(
    sql.SQL(", ").join(map(sql.Identifier, COPY_COLUMNS))
)


def make(postgres: EmbeddedPostgres, schema: str) -> Connection:
    """Make the tables in a new schema and connect to it."""
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    dsn = make_conninfo(postgres.dsn, options=f"-csearch_path={schema}")
    migrations.migrate(dsn)
    connection = session.connect(dsn, schema)
    version = connection.execute("SHOW server_version").fetchone()
    print(f"PostgreSQL {version[0] if version else '?'}")  # noqa: T201
    return connection


def copy(connection: Connection, stream: bytes | memoryview) -> int:
    """COPY a stream that begins with its header; give the rows that the server counted."""
    with connection.cursor() as cursor:
        with cursor.copy(COPY) as copying:
            copying.write(stream)
        return cursor.rowcount
