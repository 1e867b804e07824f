"""PostgreSQL's disk is full while events come: it is told, nothing is lost, and room is enough."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from ingest.local.credentials import Credentials
from psycopg import sql

from bench.crash import disk
from tests.load import Load
from tests.running import INGEST, NO_TLS, Running, event, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.stack, pytest.mark.skipif(bool(disk.unable()), reason=disk.unable())]

TOLD_S = STORED_S = 60.0
FULL = "PostgreSQL 53100"


@pytest.fixture
def running(base: Path) -> Iterator[Running]:
    """Run a system whose events lie on a small disk; PostgreSQL's log and Valkey have another."""
    with disk.small(base / "disk"), Running(base / "data") as running:
        assert running.post(event()).status_code == 202
        until(running.stored, STORED_S, "a first event")
        move(running, base / "disk")
        yield running
        running.end()


def test_it_is_told_and_what_was_acknowledged_waits(running: Running, base: Path) -> None:
    disk.fill(base / "disk" / "rest")
    pids = running.run.pids
    with Load(running, pause_s=0.02) as load:
        until(lambda: FULL in reason(running), TOLD_S, "/readyz names the error")
        enough = len(load.acknowledged) + 500
        until(lambda: len(load.acknowledged) > enough, TOLD_S, "events are taken meanwhile")
        assert set(load.answers) == {202}
        log = (running.data / "log" / "consumer-0.log").read_text()
        assert any(FULL in line and '"level": "error"' in line for line in log.splitlines())
        assert not load.acknowledged <= set(running.stored())
        (base / "disk" / "rest").unlink()
        until(lambda: not reason(running), STORED_S, "well again by itself")
    until(lambda: load.acknowledged <= set(running.stored()), STORED_S, "all are stored")
    stored = running.stored()
    assert len(stored) == len(set(stored))
    assert running.run.pids == pids, "no process has ended"
    audit = [*INGEST, "audit", "--json", "--data", str(running.data)]
    told = json.loads(subprocess.run(audit, check=True, capture_output=True, text=True).stdout)
    assert told["verdict"] == "exact", told


def move(running: Running, path: Path) -> None:
    """Move all of the tables for events, with their indexes, to the disk at `path`."""
    password = Credentials.keep(running.data / "credentials.json").postgres
    dsn = psycopg.conninfo.make_conninfo(running.run.dsn, user="postgres", password=password)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE TABLESPACE small OWNER {} LOCATION {}").format(
                sql.Identifier("ingest"), sql.Literal(str(path))
            )
        )
        connection.execute("ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE small")
        connection.execute("ALTER INDEX ALL IN TABLESPACE pg_default SET TABLESPACE small")


def reason(running: Running) -> str:
    """Say why the consumer is not ready; empty while it is."""
    headers = {"Authorization": f"Bearer {running.run.admin_token}"}
    url = f"{running.run.admin_url}/readyz"
    parts = httpx.get(url, headers=headers, timeout=30, verify=NO_TLS).json()["parts"]
    reasons = {part["name"]: part["reason"] for part in parts}
    return str(reasons["consumer-0"])
