"""A database of its own for one test, with the tables of ingest."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from ingest.store.migrations import migrate
from psycopg import sql
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.postgres import EmbeddedPostgres


@contextmanager
def empty(postgres: EmbeddedPostgres) -> Iterator[str]:
    """Give the owner's DSN of a new database; it is dropped in the end, whoever is connected."""
    name = f"test_{secrets.token_hex(6)}"
    owner = psycopg.conninfo.conninfo_to_dict(postgres.dsn)["user"]
    names = {"name": sql.Identifier(name), "owner": sql.Identifier(str(owner))}
    with psycopg.connect(postgres.superuser_dsn, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {name} OWNER {owner}").format(**names))
    try:
        yield make_conninfo(postgres.dsn, dbname=name)
    finally:
        with psycopg.connect(postgres.superuser_dsn, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))


@contextmanager
def migrated(postgres: EmbeddedPostgres) -> Iterator[str]:
    """Give the DSN of a new database that has the tables."""
    with empty(postgres) as dsn:
        migrate(dsn)
        yield dsn
