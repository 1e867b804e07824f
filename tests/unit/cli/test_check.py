"""`ingest check`: a fault makes it fail, advice does not."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from ingest.cli import check
from ingest.skew import NOTICEABLE_S, WRONG_S
from ingest.store import projects

from tests.running import INGEST

if TYPE_CHECKING:
    from ingest.local.valkey import EmbeddedValkey


def run(dsn: str, valkey: EmbeddedValkey) -> tuple[int, list[str]]:
    env = {"INGEST_DATABASE_URL": dsn, "INGEST_VALKEY_URL": valkey.consumer_url}
    command = [*INGEST, "check"]
    done = subprocess.run(
        command, env=os.environ | env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.splitlines()


def test_advice_is_told_and_is_no_fault(dsn: str, valkey: EmbeddedValkey) -> None:
    code, lines = run(dsn, valkey)
    advice = [line for line in lines if line.startswith("advice ")]
    assert code == 0, lines
    assert any("worker_database_url is not set" in line for line in advice)
    assert any("consumers make them" in line for line in advice)

    assert "ok     Valkey" in lines


def test_a_plan_that_the_settings_do_not_know_is_advice(dsn: str, valkey: EmbeddedValkey) -> None:
    with psycopg.connect(dsn) as owner:
        projects.create(owner, "shop", "mislaid")
    code, lines = run(dsn, valkey)
    assert code == 0, lines
    told = "projects are on the plan 'mislaid', which the settings don't know"
    assert any(line.startswith("advice ") and told in line for line in lines)


def test_a_misspelt_variable_is_advice(
    dsn: str, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGEST_WORKER", "3")
    code, lines = run(dsn, valkey)
    assert code == 0, lines
    assert any(line.startswith("advice INGEST_WORKER is no setting") for line in lines)


def test_a_fault_is_told_beside_the_advice(dsn: str, valkey: EmbeddedValkey) -> None:
    with psycopg.connect(dsn) as owner:
        owner.execute("INSERT INTO migration VALUES (999, '999_later', 'x')")
    code, lines = run(dsn, valkey)
    assert code == 1
    (wrong,) = [line for line in lines if line.startswith("wrong ")]
    assert "999_later, which this version lacks: upgrade ingest" in wrong


@pytest.mark.parametrize(
    ("ahead", "faults"), [(0.0, []), (NOTICEABLE_S + 1, [False]), (-WRONG_S - 1, [True])]
)
def test_a_clock_is_judged_by_how_far_it_is_away(ahead: float, faults: list[bool]) -> None:
    found = check._skewed("Valkey", lambda: time.time() + ahead)
    assert [one.is_fault for one in found] == faults
