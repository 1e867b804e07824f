"""`ingest partitions` as a person uses it, on a real database."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from ingest.store import partitions, session

from tests.running import INGEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]

OLD_DAYS = 5


@pytest.fixture
def run(dsn: str, tmp_path: Path) -> Run:
    """Give the command on a database with today's partition and some before."""
    with session.connect(dsn, "test") as connection:
        partitions.ensure(connection, partitions.window(connection, OLD_DAYS, 0))

    def run(*arguments: str, answer: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*INGEST, "partitions", *arguments],
            env={"INGEST_DATABASE_URL": dsn, "PATH": os.environ["PATH"]} | env,
            cwd=tmp_path,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def days(run: Run) -> list[str]:
    return [table["day"] for table in json.loads(run("list", "--json").stdout)]


def ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


def test_list_shows_a_line_a_day_and_what_retention_does(run: Run) -> None:
    done = run("list", INGEST_RETENTION_DAYS="3")
    *lines, summary, retention = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [ago(back) for back in range(OLD_DAYS, -1, -1)]
    assert summary.startswith("6 days, about 0 rows, ")
    assert retention == f"retention_days is 3: consumers drop what is before {ago(3)}"


def test_make_makes_what_is_missing_once(run: Run) -> None:
    done = run("make", "--ahead", "3", "--back", "6", "--json")
    assert len(json.loads(done.stdout)) == 4
    assert run("make", "--ahead", "3", "--back", "6").stdout == "0 days made\n"
    assert len(days(run)) == OLD_DAYS + 5


def test_drop_asks_first(run: Run) -> None:
    refused = run("drop", "--older-than", "2", answer="n\n")
    assert (refused.returncode, "3 days" in refused.stderr) == (1, True)
    assert len(days(run)) == OLD_DAYS + 1
    assert run("drop", "--older-than", "2", answer="y\n").returncode == 0
    assert days(run) == [ago(2), ago(1), ago(0)]


def test_drop_before_a_date_or_by_the_setting(run: Run) -> None:
    assert json.loads(run("drop", "--older-than", ago(3), "--yes", "--json").stdout) == [
        f"event_{ago(5).replace('-', '')}",
        f"event_{ago(4).replace('-', '')}",
    ]
    assert run("drop", "--yes", INGEST_RETENTION_DAYS="1").returncode == 0
    assert days(run) == [ago(1), ago(0)]


def test_nothing_to_drop_asks_nothing(run: Run) -> None:
    assert run("drop", "--older-than", "90").stdout == "0 days dropped\n"


@pytest.mark.parametrize("which", [(), ("--older-than", "soon"), ("--older-than", ago(-1))])
def test_which_days_must_be_clear(run: Run, which: tuple[str, ...]) -> None:
    done = run("drop", "--yes", *which)
    assert (done.returncode, "--older-than" in done.stderr) == (2, True)
    assert len(days(run)) == OLD_DAYS + 1


def test_today_is_never_dropped(run: Run) -> None:
    assert run("drop", "--older-than", "0", "--yes").returncode == 0
    assert days(run) == [ago(0)]
