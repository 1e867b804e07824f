"""A database that is newer than the code: every part that would write to it refuses."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.running import INGEST, until

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.local.valkey import EmbeddedValkey

TEXT = "999_later, which this version lacks: upgrade ingest"
REFUSING = (
    ("migrate",),
    ("check",),
    ("audit",),
    ("deadletter", "list"),
    ("up",),
)


@pytest.fixture
def newer(dsn: str) -> str:
    """A database that a later version has migrated."""
    with psycopg.connect(dsn) as owner:
        owner.execute("INSERT INTO migration VALUES (999, '999_later', 'x')")
    return dsn


def environment(dsn: str, valkey: EmbeddedValkey, data: Path) -> dict[str, str]:
    given = {"INGEST_DATABASE_URL": dsn, "INGEST_VALKEY_URL": valkey.url}
    return os.environ | given | {"INGEST_DATA_DIR": str(data)}


@pytest.mark.parametrize("arguments", REFUSING, ids=" ".join)
def test_commands_refuse(
    newer: str, valkey: EmbeddedValkey, base: Path, arguments: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [*INGEST, *arguments],
        env=environment(newer, valkey, base / "data"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert TEXT in done.stdout + done.stderr


def test_a_consumer_waits_and_writes_nothing(
    newer: str, valkey: EmbeddedValkey, base: Path
) -> None:
    log = base / "consumer.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*INGEST, "consume"],
            env=environment(newer, valkey, base / "data"),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: log.read_text().count(TEXT) >= 2, 60, "told again")
        with psycopg.connect(newer) as owner:
            for table in ("position", "consumer"):
                assert owner.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
