"""The comparison of table and acknowledged ids finds each kind of fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from ingest.local.postgres import EmbeddedPostgres

from bench.e2e.verify import Verified, empty, verify

IDS = [UUID(int=number << 64 | 1) for number in range(1, 1001)]


@pytest.fixture
def dsn(postgres: EmbeddedPostgres) -> Iterator[str]:
    with psycopg.connect(postgres.superuser_dsn, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS bench_verify")
        admin.execute("CREATE DATABASE bench_verify OWNER ingest")
        there = postgres.dsn.replace("/ingest?", "/bench_verify?")
        with psycopg.connect(there, autocommit=True) as connection:
            connection.execute("CREATE TABLE event (event_id uuid)")
        yield there
        admin.execute("DROP DATABASE bench_verify WITH (FORCE)")


def stored(dsn: str, ids: list[UUID]) -> None:
    with psycopg.connect(dsn) as connection:
        connection.cursor().executemany("INSERT INTO event VALUES (%s)", [(one,) for one in ids])


def told(path: Path, ids: list[UUID]) -> list[Path]:
    path.write_bytes(b"".join(one.bytes for one in ids))
    return [path]


def test_all_is_well(dsn: str, tmp_path: Path) -> None:
    stored(dsn, IDS)
    assert verify(dsn, told(tmp_path / "ids", IDS)) == Verified(1000, 1000, 0, 0, 0)


def test_finds_missing_doubled_and_reused(dsn: str, tmp_path: Path) -> None:
    stored(dsn, IDS[:990] + IDS[:3])
    found = verify(dsn, told(tmp_path / "ids", [*IDS, IDS[0]]))
    assert found == Verified(1001, 993, 10, 3, 1)
    assert found.unacknowledged == 0


def test_rows_whose_answer_was_lost_are_no_fault(dsn: str, tmp_path: Path) -> None:
    stored(dsn, IDS)
    found = verify(dsn, told(tmp_path / "ids", IDS[:900]))
    assert (found.missing, found.doubled, found.unacknowledged) == (0, 0, 100)


def test_reads_several_files_and_empties(dsn: str, tmp_path: Path) -> None:
    stored(dsn, IDS)
    files = told(tmp_path / "a", IDS[:400]) + told(tmp_path / "b", IDS[400:])
    assert verify(dsn, files).missing == 0
    empty(dsn)
    assert verify(dsn, told(tmp_path / "c", [])) == Verified(0, 0, 0, 0, 0)
