"""The command line: help fits a screen and is fast, failures are one line and a code."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from tests.running import INGEST

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = (
    *("up", "stop", "status", "check", "audit", "export"),
    *("serve", "consume", "admin", "edge", "migrate", "deadletter", "partitions", "project"),
    *(f"deadletter {verb}" for verb in ("list", "show", "replay", "drop")),
    *(f"project {verb}" for verb in ("create", "list", "rotate", "revoke", "set-plan")),
    *(f"partitions {verb}" for verb in ("list", "make", "drop")),
)
SCREEN_LINES, SCREEN_COLUMNS = 30, 80
HEAVY = ("robyn", "redis", "psycopg", "pydantic", "structlog", "rich", "ingest._native")
HELP_S = 2.0


def ingest(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("INGEST_")}
    return subprocess.run(
        [*INGEST, *arguments], capture_output=True, text=True, check=False, env=kept | env
    )


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_screen(command: str) -> None:
    shown = ingest(*command.split(), "--help", COLUMNS=str(SCREEN_COLUMNS))
    lines = shown.stdout.splitlines()
    assert shown.returncode == 0
    assert len(lines) <= SCREEN_LINES
    assert max(map(len, lines)) <= SCREEN_COLUMNS
    assert not any(line.endswith("...") for line in lines if not line.startswith("Usage"))


def test_help_imports_nothing_heavy() -> None:
    script = "import sys, ingest.cli.app; print(*sys.modules)"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert time.monotonic() - began < HELP_S
    assert not {name.split(".")[0] for name in done.stdout.split()} & set(HEAVY)


def test_version() -> None:
    assert ingest("--version").stdout.strip() == version("ingest")


def test_completion_is_there() -> None:
    env = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    assert "complete" in ingest("--show-completion", "bash", **env).stdout


@pytest.mark.parametrize("command", ["up", "check", "status", "stop"])
def test_wrong_settings_exit_2_and_all_are_told(command: str) -> None:
    done = ingest(command, INGEST_WORKERS="0", INGEST_SHARDS="x")
    assert done.returncode == 2
    assert "workers:" in done.stderr
    assert "shards:" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_option_exits_2() -> None:
    assert ingest("up", "--prot", "1").returncode == 2


@pytest.mark.parametrize(
    "command",
    [
        *("export --from", "export --to", "audit --from", "audit --to"),
        *("deadletter list --since", "deadletter list --until", "project rotate shop --expires"),
    ],
)
def test_a_wrong_time_is_answered_with_what_to_write(command: str) -> None:
    done = ingest(*command.split(), "nonsense", COLUMNS="200")
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert "such as 2026-11-26 or 2026-11-26T10:00:00Z" in last
    assert f"'{command.rsplit(maxsplit=1)[-1]}'" in last
    assert "%" not in done.stderr
    shown = ingest(*command.partition(" --")[0].split(), "--help", COLUMNS="200").stdout
    assert "as 2026-11-26T10:00 (UTC)" in shown


@pytest.mark.parametrize("command", ["status", "check"])
def test_nothing_running_is_one_line_and_exit_1(command: str, tmp_path: Path) -> None:
    done = ingest(command, "--data", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "nothing is ready" in done.stdout + done.stderr


def test_stop_of_nothing_is_fine(tmp_path: Path) -> None:
    done = ingest("stop", "--data", str(tmp_path))
    assert (done.returncode, "nothing runs" in done.stdout) == (0, True)


def test_migrate_needs_a_database() -> None:
    done = ingest("migrate")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "database_url" in done.stderr


def test_check_tells_a_wrong_schema(tmp_path: Path) -> None:
    file = tmp_path / "schema.toml"
    file.write_text("nonsense = 1\n")
    done = ingest("check", "--data", str(tmp_path), INGEST_SCHEMA_FILE=str(file))
    assert done.returncode == 1
    assert any("schema_file" in line and "wrong" in line for line in done.stdout.splitlines())


def test_closed_standard_streams_are_no_fault(tmp_path: Path) -> None:
    words = [*INGEST, "stop", "--data", str(tmp_path)]
    shell = ["/bin/sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *words]
    assert subprocess.run(shell, check=False).returncode == 0
