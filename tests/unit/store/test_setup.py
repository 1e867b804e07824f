"""How PostgreSQL is set up: what is told of settings, partitions and the workers' role."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from ingest.errors import NeedsPerson
from ingest.plans import BUILT_IN
from ingest.store import migrations, partitions, session, setup
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests import databases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.postgres import EmbeddedPostgres

PASSWORD = "secret"


@pytest.fixture
def role(postgres: EmbeddedPostgres, dsn: str) -> Iterator[str]:
    """A role of this test alone, which may do nothing yet."""
    name = f"worker_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.superuser_dsn, autocommit=True) as server:
        named = sql.Identifier(name)
        server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(named))
        yield name
        with psycopg.connect(dsn, autocommit=True) as owner:
            for kind in ("ALL TABLES IN SCHEMA public", "SCHEMA public"):
                owner.execute(sql.SQL(f"REVOKE ALL ON {kind} FROM {{}}").format(named))
        server.execute(sql.SQL("DROP ROLE {}").format(named))


def told(dsn: str, role: str) -> list[str]:
    found = setup.worker_faults(make_conninfo(dsn, user=role, password=PASSWORD))
    return [text.removeprefix(f"PostgreSQL: the workers' role {role} ") for text in found]


def grant(dsn: str, statement: str, role: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute(sql.SQL(statement + " TO {}").format(sql.Identifier(role)))


def test_the_role_that_migrate_makes_may_read_keys_alone(dsn: str, role: str) -> None:
    migrations.migrate(dsn, role)
    assert told(dsn, role) == []


def test_a_role_without_its_rights_is_told(dsn: str, role: str) -> None:
    (text,) = told(dsn, role)
    tables = "api_key, key_change, key_generation, project"
    assert text == f"may not read {tables}: `ingest migrate --worker-role {role}`"


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("GRANT SELECT ON event", "may read or change event"),
        ("GRANT DELETE ON project", "may read or change project"),
        ("GRANT INSERT, UPDATE ON dead_letter", "may read or change dead_letter"),
        ("GRANT CREATE ON SCHEMA public", "may create tables"),
    ],
)
def test_a_right_too_many_is_told(dsn: str, role: str, statement: str, text: str) -> None:
    migrations.migrate(dsn, role)
    grant(dsn, statement, role)
    assert told(dsn, role) == [text]


def test_the_owner_as_the_workers_role_is_told(dsn: str) -> None:
    found = setup.worker_faults(dsn)
    assert any("may read or change api_key" in text for text in found)


def test_a_superuser_is_told(postgres: EmbeddedPostgres, dsn: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    found = setup.worker_faults(make_conninfo(postgres.superuser_dsn, dbname=str(name)))
    assert any("is a superuser" in text for text in found)


def test_missing_partitions_are_advice(dsn: str) -> None:
    with session.connect(dsn, "test") as connection:
        days = partitions.window(connection, 0, 2)
        partitions.ensure(connection, days[:2])
    (text,) = setup.advice(dsn, 2, BUILT_IN)
    assert text == f"PostgreSQL: no partition {partitions.name_of(days[2])}: consumers make them"
    assert setup.advice(dsn, 1, BUILT_IN) == []


def test_a_project_that_is_named_like_an_id_is_advice(dsn: str) -> None:
    victim, shadow = uuid4(), uuid4()
    with session.connect(dsn, "test") as connection:
        for project_id, name in ((victim, "shop"), (shadow, str(victim)), (uuid4(), "x" * 40)):
            connection.execute(
                "INSERT INTO project (project_id, name, plan) VALUES (%s, %s, 'free')",
                (project_id, name),
            )
    (text,) = setup.advice(dsn, -1, BUILT_IN)
    assert f"project '{victim}' is named like an id: only its own id, {shadow}," in text


def test_commits_that_do_not_wait_are_advice(dsn: str) -> None:
    (text,) = setup.advice(make_conninfo(dsn, options="-c synchronous_commit=off"), -1, BUILT_IN)
    assert text.startswith("PostgreSQL: synchronous_commit is off")


def test_tables_that_are_not_there_are_told(postgres: EmbeddedPostgres) -> None:
    with databases.empty(postgres) as dsn, pytest.raises(NeedsPerson, match="ingest migrate"):
        setup.faults(dsn)


def test_nothing_is_wrong_with_the_servers_of_up(dsn: str) -> None:
    assert setup.faults(dsn) == []
    assert abs(setup.clock(dsn) - time.time()) < 5
