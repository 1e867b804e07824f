"""Backup and restore, by the commands of the page: what each brings back, and what it can't."""

from __future__ import annotations

import os
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ingest.local.postgres import WORKER
from ingest.store.migrations import migrate
from psycopg.conninfo import conninfo_to_dict

from tests import databases
from tests.docs import pages
from tests.integration.consuming import Worker, consuming, settings
from tests.running import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.postgres import EmbeddedPostgres
    from ingest.local.valkey import EmbeddedValkey
    from ingest.settings import Settings

VARIABLES = {"host": "PGHOST", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
TABLES = ("event", "position", "ledger", "dead_letter", "project", "api_key", "migration")
KEEP_S = 3600


class Place:
    """A database, its consumers' settings, and a worker that appends to the one stream."""

    def __init__(self, dsn: str, valkey: EmbeddedValkey, programs: Path, folder: Path) -> None:
        self.settings: Settings = settings(dsn, valkey.consumer_url)
        self.worker = Worker(valkey.url, dsn)
        self._programs = programs
        self._folder = folder

    def run(self, label: str) -> None:
        """Run a block of the page with this database as libpq's default."""
        given = conninfo_to_dict(self.settings.database_url or "")
        env = {VARIABLES[name]: str(given[name]) for name in VARIABLES}
        path = f"{self._programs}:{os.environ['PATH']}"
        block = pages.labelled("docs/backup.md", label).text
        command = ["/bin/sh", "-euc", block]
        subprocess.run(command, cwd=self._folder, env=env | {"PATH": path}, check=True)

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Give all that is kept, in an order of its own."""
        return {
            name: sorted(self.worker.query(f"SELECT * FROM {name}"), key=repr)  # noqa: S608
            for name in TABLES
        }


@pytest.fixture
def place(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, dsn: str, tmp_path: Path
) -> Iterator[Place]:
    place = Place(dsn, valkey, Path(postgres.program("psql")).parent, tmp_path)
    place.worker.client.flushall()
    yield place
    place.worker.close()


@pytest.fixture
def restored(postgres: EmbeddedPostgres, valkey: EmbeddedValkey, tmp_path: Path) -> Iterator[Place]:
    """Another, empty database beside the same stream."""
    with databases.empty(postgres) as dsn:
        place = Place(dsn, valkey, Path(postgres.program("psql")).parent, tmp_path)
        yield place
        place.worker.close()


def take_over(new: Place, old: Place) -> None:
    """Go on with the restored database; what the worker knows is the same."""
    migrate(new.settings.database_url or "", WORKER)
    new.worker.ids, new.worker.accepted = old.worker.ids, old.worker.accepted


@contextmanager
def dumped(place: Place, keep_s: int) -> Iterator[None]:
    """Store some events, dump, and store more, which the dump lacks."""
    given = place.settings.model_copy(update={"stream_keep_s": keep_s})
    with consuming(given):
        place.worker.fill(20)
        place.worker.wait_settled()
        place.run("backup")
        yield
        place.worker.fill(20)
        place.worker.wait_settled()
        if keep_s == 0:
            place.worker.verify_empty()


def test_a_dump_brings_back_everything_that_it_saw(
    place: Place, restored: Place, tmp_path: Path
) -> None:
    with dumped(place, 0):
        seen = place.rows()
    assert stat.S_IMODE((tmp_path / "ingest.dump").stat().st_mode) == 0o600
    restored.run("restore")
    assert restored.rows() == seen
    assert len(seen["event"]) > 0


def test_an_older_database_is_made_whole_by_a_stream_that_was_kept(
    place: Place, restored: Place
) -> None:
    with dumped(place, KEEP_S):
        pass
    restored.run("restore")
    take_over(restored, place)
    with consuming(restored.settings.model_copy(update={"stream_keep_s": KEEP_S})):
        restored.worker.fill(5)
        restored.worker.wait_settled()
    restored.worker.verify()


def test_without_it_what_came_after_the_dump_is_lost(place: Place, restored: Place) -> None:
    with dumped(place, 0):
        before = len(place.worker.ids)
    restored.run("restore")
    take_over(restored, place)
    count = "SELECT count(*) FROM event"
    with consuming(restored.settings):
        assert restored.worker.query(count) == [(before,)]
        known = len(restored.worker.ids)
        restored.worker.fill(5)
        new = len(restored.worker.ids) - known
        until(lambda: restored.worker.query(count) == [(before + new,)], 20, "the new ones")
