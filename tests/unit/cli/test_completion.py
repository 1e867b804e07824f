"""Completion in a shell: the scripts are produced, and what they call completes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND = Path(sys.executable).with_name("ingest")
PROJECT = "INSERT INTO project VALUES (gen_random_uuid(), %s, 'free')"
# What each shell's script hands over when `ingest partitions dr` is completed.
ASKED = {
    "bash": {"COMP_WORDS": "ingest partitions dr", "COMP_CWORD": "2"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "ingest partitions dr"},
    "fish": {
        "_TYPER_COMPLETE_ARGS": "ingest partitions dr",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    },
}


def run(env: Mapping[str, str], *words: str) -> str:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("INGEST_")}
    done = subprocess.run(
        [COMMAND, *words], env=kept | dict(env), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("shell", ASKED)
def test_the_script_is_produced(shell: str) -> None:
    script = run({"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}, "--show-completion", shell)
    assert f"_INGEST_COMPLETE=complete_{shell}" in script


@pytest.mark.parametrize("shell", ASKED)
def test_what_the_script_calls_completes_a_subcommand(shell: str) -> None:
    told = run(ASKED[shell] | {"_INGEST_COMPLETE": f"complete_{shell}"})
    assert "drop" in told
    assert "list" not in told


def test_bash_completes_with_it() -> None:
    script = run({"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}, "--show-completion", "bash")
    text = f"{script}\nCOMP_WORDS=(ingest deadl); COMP_CWORD=1; _ingest_completion {COMMAND}"
    done = subprocess.run(
        ["bash", "-euc", f"{text}; echo ${{COMPREPLY[@]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "deadletter\n"


def complete(line: str, env: Mapping[str, str]) -> list[str]:
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    return run(asked | {"_INGEST_COMPLETE": "complete_bash"} | dict(env)).split()


def complete_project(typed: str, env: Mapping[str, str]) -> list[str]:
    return complete(f"ingest export --project {typed}", env)


def test_projects_are_completed_by_their_names(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        for name in ("shop", "shipping", "other"):
            connection.execute(PROJECT, (name,))
    env = {"INGEST_DATABASE_URL": dsn}
    assert complete_project("sh", env) == ["shipping", "shop"]
    for verb in ("list", "rotate", "revoke", "set-plan"):
        assert complete(f"ingest project {verb} sh", env) == ["shipping", "shop"]


def test_plans_are_completed_by_their_names() -> None:
    env = {"INGEST_PLANS": '{"plus": {"requests_per_minute": 1, "events_per_minute": 1}}'}
    assert complete("ingest project set-plan shop p", env) == ["plus", "pro"]
    assert complete("ingest project create shop --plan p", env) == ["plus", "pro"]
    assert complete("ingest project set-plan shop p", {"INGEST_PORT": "x"}) == []


@pytest.mark.parametrize(
    "env",
    [
        {"INGEST_DATA_DIR": "/no/such"},
        {"INGEST_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        {"INGEST_PORT": "x"},
    ],
)
def test_what_is_away_completes_nothing_and_says_nothing(env: Mapping[str, str]) -> None:
    assert complete_project("sh", env) == []
