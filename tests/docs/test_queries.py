"""The queries of docs/queries.md run on a real database that holds events, and find them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from ingest.store.migrations import migrate

from tests.docs import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.postgres import EmbeddedPostgres

PAGE = pages.ROOT / "docs" / "queries.md"
QUERIES = pages.blocks(PAGE, "sql")
# Row counts that the data below gives; a block that is not named here gives no rows back.
ROWS = {
    "latest": 4,
    "by-hour": 3,
    "turnover": 2,
    "funnel": 1,
    "by-id": 1,
    "sessions": 1,
    "by-property": 1,
    "fates": 1,
    "dead-letters": 1,
    "positions": 1,
    "sizes": 1,
}
DATA = """
    CREATE TABLE event_any PARTITION OF event DEFAULT;
    INSERT INTO project (project_id, name, plan) VALUES ('{project}', 'default', 'unlimited');
    INSERT INTO event (
        event_id, project_id, timestamp, received_at, event_type, user_id, session_id, properties
    )
    SELECT id::uuid, '{project}', now() - age, now(), type, session, session, properties::jsonb
    FROM (VALUES
        ('019ab3c8-7d3b-7c63-9a4e-2f9d1f0c6a11', interval '40 min', 'product_view', 's', '{{}}'),
        ('019ab3c8-7d3b-7c63-9a4e-2f9d1f0c6a12', interval '3 us', 'add_to_cart', 's', '{{}}'),
        ('019ab3c8-7d3b-7c63-9a4e-2f9d1f0c6a13', interval '2 us', 'purchase', 's',
            '{{"product_id": "a", "price": 2.50, "quantity": 2}}'),
        ('019ab3c8-7d3b-7c63-9a4e-2f9d1f0c6a14', interval '1 us', 'purchase', NULL,
            '{{"product_id": "b", "price": 3, "quantity": 1}}')
    ) AS made (id, age, type, session, properties);
    INSERT INTO ledger VALUES (0, '{project}', date_trunc('hour', now()), 4, 1, 1);
    INSERT INTO dead_letter (shard, entry_id, tuple, message) VALUES (0, '1-0', 'x', 'no');
    INSERT INTO position (shard, entry_id) VALUES (0, '1-0');
"""


@pytest.fixture(scope="module")
def dsn(postgres: EmbeddedPostgres) -> Iterator[str]:
    with database(postgres) as url:
        migrate(url)
        with psycopg.connect(url) as connection:
            connection.execute(DATA.format(project=uuid4()))
        yield url


@contextmanager
def database(server: EmbeddedPostgres) -> Iterator[str]:
    name = f"docs_{uuid4().hex[:8]}"
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER ingest")
        try:
            yield server.dsn.replace("/ingest?", f"/{name}?")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_every_query_is_known() -> None:
    assert {block.label for block in QUERIES} == ROWS.keys() | {"index", "property-index"}


@pytest.mark.parametrize("block", QUERIES, ids=str)
def test_query_runs_and_finds_its_rows(dsn: str, block: pages.Block) -> None:
    with psycopg.connect(dsn) as connection:
        cursor = connection.execute(block.text)
        found = cursor.fetchall() if cursor.description else []
    assert len(found) == ROWS.get(block.label, 0)


def test_turnover_and_funnel_are_right(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        answers = [
            connection.execute(block.text).fetchone()
            for block in QUERIES
            if block.label in {"turnover", "funnel"}
        ]
    assert [tuple(map(str, answer or ())) for answer in answers] == [("a", "5.00"), ("1", "1", "1")]


def test_a_pause_begins_a_visit(dsn: str) -> None:
    (query,) = (block.text for block in QUERIES if block.label == "sessions")
    with psycopg.connect(dsn) as connection:
        assert connection.execute(query).fetchall() == [("s", 2, 3)]


def test_columns_are_those_of_the_table(dsn: str) -> None:
    documented = {
        pages.plain(name): pages.plain(row[1])
        for row in pages.table("docs/queries.md", "Column")
        for name in row[0].split(", ")
    }
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = 'event'::regclass AND attnum > 0"
        ).fetchall()
    names = {"timestamp with time zone": "timestamptz"}
    assert {column: names.get(kind, kind) for column, kind in found} == documented
