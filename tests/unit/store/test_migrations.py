"""Migrations: each once, in order, never backwards."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from ingest.errors import NeedsPerson
from ingest.local.postgres import WORKER
from ingest.store import migrations, session
from ingest.store.migrations import migrate

from tests import databases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.postgres import EmbeddedPostgres


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[str]:
    with databases.empty(postgres) as dsn:
        yield dsn


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "001_one.sql").write_text("CREATE TABLE one (a int); INSERT INTO one VALUES (1);")
    (tmp_path / "002_two.sql").write_text("ALTER TABLE one ADD b int;")
    return tmp_path


def test_each_file_is_applied_once_and_in_order(empty: str, directory: Path) -> None:
    assert migrate(empty, directory=directory) == ["001_one", "002_two"]
    assert migrate(empty, directory=directory) == []
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT a, b FROM one").fetchall() == [(1, None)]


def test_a_new_file_is_applied_on_top(empty: str, directory: Path) -> None:
    migrate(empty, directory=directory)
    (directory / "003_three.sql").write_text("CREATE TABLE three ();")
    assert migrate(empty, directory=directory) == ["003_three"]


def test_a_failing_file_leaves_nothing_of_itself(empty: str, directory: Path) -> None:
    (directory / "002_two.sql").write_text("CREATE TABLE two (); SELECT nonsense;")
    with pytest.raises(NeedsPerson, match="42703"):
        migrate(empty, directory=directory)
    (directory / "002_two.sql").write_text("CREATE TABLE two ();")
    assert migrate(empty, directory=directory) == ["002_two"]


def test_a_newer_database_is_refused(empty: str, directory: Path) -> None:
    migrate(empty, directory=directory)
    (directory / "002_two.sql").unlink()
    with pytest.raises(NeedsPerson, match="002_two, which this version lacks: upgrade"):
        migrate(empty, directory=directory)


def test_a_changed_file_is_refused(empty: str, directory: Path) -> None:
    migrate(empty, directory=directory)
    with (directory / "001_one.sql").open("a") as file:
        file.write("-- edited")
    with pytest.raises(NeedsPerson, match="001_one was changed after it was applied"):
        migrate(empty, directory=directory)


def test_two_at_once_apply_each_file_once(empty: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        applied = list(threads.map(migrate, [empty, empty]))
    names = [migration.name for migration in migrations.files()]
    assert sorted(applied) == [[], names]


def test_check_asks_for_what_is_missing(empty: str) -> None:
    with session.connect(empty, "test") as connection:
        with pytest.raises(NeedsPerson, match="run `ingest migrate`"):
            migrations.check(connection)
        migrate(empty)
        migrations.check(connection)


def test_the_workers_role_reads_keys_and_nothing_else(
    empty: str, postgres: EmbeddedPostgres
) -> None:
    migrate(empty, WORKER)
    name = psycopg.conninfo.conninfo_to_dict(empty)["dbname"]
    worker = psycopg.conninfo.make_conninfo(postgres.worker_dsn, dbname=str(name))
    with psycopg.connect(worker, autocommit=True) as connection:
        for table in migrations.WORKER_TABLES:
            connection.execute(
                psycopg.sql.SQL("SELECT FROM {}").format(psycopg.sql.Identifier(table))
            )
        for statement in ("SELECT FROM event", "DELETE FROM api_key", "CREATE TABLE mine ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_an_unknown_role_is_no_error(empty: str) -> None:
    migrate(empty, "nobody_here")


def test_who_reads_keys_already_may_read_what_changed(empty: str, tmp_path: Path) -> None:
    """An upgrade without `--worker-role` must not lock the workers out."""
    for path in migrations.DIRECTORY.glob("00[123]_*.sql"):
        shutil.copy(path, tmp_path)
    migrate(empty, directory=tmp_path)
    with psycopg.connect(empty, autocommit=True) as owner:
        owner.execute("GRANT SELECT ON api_key TO PUBLIC")
        assert migrate(empty)[:2] == ["004_key_generation", "005_key_change"]
        for table in ("key_generation", "key_change"):
            may = owner.execute("SELECT has_table_privilege('public', %s, 'SELECT')", (table,))
            assert may.fetchone() == (True,)
