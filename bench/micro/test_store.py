"""Writing rows into the event table: ready blocks by COPY, beside what clients do with rows.

One real server with the product's table; each round is one transaction, undone afterwards. The
time is the client's CPU: what the server spends is in `bench/limits`.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
from ingest._native import Chunk
from ingest.local.data_dir import DataDir
from ingest.local.postgres import EmbeddedPostgres
from ingest.store import copy, partitions
from ingest.store.migrations import migrate

from bench.micro.content import EPOCH
from bench.micro.test_entry import BATCHES, entry
from bench.workload import STRESS_BATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.benchmark(timer=time.process_time)

ROUNDS, ROWS = 7, BATCHES * STRESS_BATCH
GROUP = f"store {ROWS} rows"
START_S = 60.0
NAMES = copy.COLUMNS.split(", ")
STORED = f"SELECT {copy.COLUMNS} FROM event ORDER BY event_id"  # noqa: S608 - columns are ours
COPY = f"COPY event ({copy.COLUMNS}) FROM STDIN"
INSERT = f"INSERT INTO event ({copy.COLUMNS}) VALUES"


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    """A server of this module alone, with the table and its partitions."""
    path = Path(tempfile.mkdtemp(prefix="ingest-bench-"))
    path.chmod(0o711)
    server = EmbeddedPostgres(DataDir(path / "data"))
    server.prepare()
    server.start()
    try:
        server.wait_ready(START_S)
        migrate(server.dsn)
        with psycopg.connect(server.dsn) as connection:
            partitions.ensure(connection, chunk().days)
        yield server.dsn
    finally:
        server.stop()
        shutil.rmtree(path)


@cache
def chunk() -> Chunk:
    """One entry's rows, none like another; made once, as their ids are new each time."""
    made = Chunk()
    made.push(*entry(1, compress=False))
    return made


def rows() -> list[tuple[Any, ...]]:
    """The same rows as Python has them, in the order of the columns."""
    made, whole = chunk(), []
    for index in range(made.rows):
        row = made.row(0, index)
        times = [
            EPOCH + timedelta(microseconds=us) for us in (row.timestamp_us, row.received_at_us)
        ]
        ids = [UUID(bytes=bytes(one)) for one in (row.event_id, row.project_id)]
        whole.append((*ids, *times, row.event_type, row.user_id, row.session_id, row.properties))
    return whole


def same(found: list[Any]) -> bool:
    """Tell whether these are the chunk's rows; clients give JSON as text or as what it says."""
    return _readable(found) == _readable(sorted(rows(), key=lambda row: row[0].bytes))


def _readable(found: Iterable[Any]) -> list[tuple[Any, ...]]:
    return [(*known, json.loads(last) if isinstance(last, str) else last) for *known, last in found]


def stored(benchmark: BenchmarkFixture, dsn: str, write: Callable[[Any], None]) -> None:
    """Measure `write` over psycopg; each round finds the table empty and must fill it."""
    with psycopg.connect(dsn) as connection:

        def check(*_given: object) -> None:
            assert same(connection.execute(STORED).fetchall())
            connection.rollback()

        benchmark.extra_info["events"], benchmark.group = ROWS, GROUP
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            write, args=(connection,), rounds=ROUNDS, warmup_rounds=1, teardown=check
        )


def test_ready_blocks(benchmark: BenchmarkFixture, dsn: str) -> None:
    """What the product does."""
    stream = chunk().straight
    stored(benchmark, dsn, lambda connection: copy.straight(connection, stream))


def test_psycopg_write_row(benchmark: BenchmarkFixture, dsn: str) -> None:
    """COPY by rows."""
    whole = rows()

    def write(connection: Any) -> None:
        with connection.cursor() as cursor, cursor.copy(COPY) as target:
            for row in whole:
                target.write_row(row)

    stored(benchmark, dsn, write)


def test_psycopg_executemany(benchmark: BenchmarkFixture, dsn: str) -> None:
    """One INSERT a row, in a pipeline."""
    whole, values = rows(), ", ".join(["%s"] * len(NAMES))
    statement = f"{INSERT} ({values})"

    def write(connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(statement, whole)

    stored(benchmark, dsn, write)


@pytest.mark.parametrize("how", ["executemany", "copy_records"])
def test_asyncpg(benchmark: BenchmarkFixture, dsn: str, how: str) -> None:
    """What an asynchronous worker does, as the baseline's."""
    whole = rows()
    values = ", ".join(f"${number}" for number in range(1, len(NAMES) + 1))

    async def write(connection: asyncpg.Connection[Any]) -> None:
        if how == "executemany":
            await connection.executemany(f"{INSERT} ({values})", whole)
        else:
            await connection.copy_records_to_table("event", records=whole, columns=NAMES)

    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(dsn))
        opened: list[Any] = []

        def begin() -> None:
            opened.append(connection.transaction())
            runner.run(opened[-1].start())

        def check() -> None:
            assert same(runner.run(connection.fetch(STORED)))
            runner.run(opened.pop().rollback())

        benchmark.extra_info["events"], benchmark.group = ROWS, GROUP
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            lambda: runner.run(write(connection)),
            rounds=ROUNDS,
            warmup_rounds=1,
            setup=begin,
            teardown=check,
        )
        runner.run(connection.close())
