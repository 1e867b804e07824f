"""`ingest project` on a running system: what it prints, and that workers act on it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest

from tests.running import INGEST, event, until

if TYPE_CHECKING:
    from tests.running import Running

KNOWN_S = 2.0
IN_A_ROW = 6


def project(stack: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*INGEST, "project", *arguments, "--data", str(stack.data)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def done(stack: Running, *arguments: str) -> Any:
    result = project(stack, *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def all_answer(stack: Running, key: str, status: int) -> bool:
    return all(
        stack.post(event(), **{"X-Api-Key": key}).status_code == status for _ in range(IN_A_ROW)
    )


@pytest.fixture
def name() -> str:
    return f"shop {uuid4()}"


def test_a_key_goes_round(stack: Running, name: str) -> None:
    made = done(stack, "create", name, "--plan", "unlimited")
    first = made["api_key"]
    until(lambda: all_answer(stack, first, 202), KNOWN_S, "the first key is known")
    second = done(stack, "rotate", name, "--name", "second")
    until(lambda: all_answer(stack, second["api_key"], 202), KNOWN_S, "the second key is known")
    assert all_answer(stack, first, 202)
    done(stack, "revoke", name, second["key_id"])
    until(lambda: all_answer(stack, second["api_key"], 403), KNOWN_S, "it is revoked")
    third = done(stack, "rotate", made["project_id"], "--others-end-s", "0")
    assert third["others_ended"] == 1
    until(lambda: all_answer(stack, third["api_key"], 202), KNOWN_S, "the third key is known")
    until(lambda: all_answer(stack, first, 403), KNOWN_S, "the first has ended")
    left = done(stack, "revoke", name, "--all")["revoked"]
    assert len(left) == 2, "the second was revoked before; the first has ended only"
    assert second["key_id"] not in left
    until(lambda: all_answer(stack, third["api_key"], 403), KNOWN_S, "all are revoked")
    listed = done(stack, "list", name)
    assert [key["state"] for key in listed["keys"]] == ["revoked"] * 3


def test_what_is_printed(stack: Running, name: str) -> None:
    made = project(stack, "create", name)
    assert made.returncode == 0, made.stderr
    assert "plan free" in made.stdout
    key = made.stdout.split("key      ")[1].split()[0]
    assert key.startswith("wk_live_")
    assert name in project(stack, "list").stdout
    changed = project(stack, "set-plan", name, "pro")
    assert "plan pro: 1,000 requests a minute, 100,000 events a minute" in changed.stdout
    shown = project(stack, "list", name).stdout
    assert "active" in shown
    assert key not in shown


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create", "ab"), 1, "name must be 3 to 100 printable characters"),
        (("create", "   "), 1, "without blanks at its ends"),
        (("create", "shop", "--plan", "gold"), 1, "plan must be one of free, pro,"),
        (("create", "default"), 1, "a project of this name exists"),
        (("set-plan", "default", "gold"), 1, "plan must be one of free, pro,"),
        (("set-plan", "nobody", "pro"), 1, "there is no such project"),
        (("rotate", "nobody"), 1, "there is no such project"),
        (("rotate", "default", "--expires", "2020-01-01"), 1, "expires_at must be a time to come"),
        (("revoke", "default", "000000000000"), 1, "the project has no such key"),
        (("revoke", "default"), 2, "which key: its id"),
        (("revoke", "default", "000000000000", "--all"), 2, "which key: its id"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    stack: Running, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = project(stack, *arguments)
    assert result.returncode == code
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_name_that_was_taken_before_blanks_were_refused(stack: Running) -> None:
    name = f" {uuid4()} "
    with psycopg.connect(stack.run.dsn) as connection:
        connection.execute(
            "INSERT INTO project (project_id, name, plan) VALUES (%s, %s, 'unlimited')",
            (uuid4(), name),
        )
    key = done(stack, "rotate", name)["api_key"]
    until(lambda: all_answer(stack, key, 202), KNOWN_S, "its key is known")
    assert name in [one["name"] for one in done(stack, "list")]
    assert done(stack, "set-plan", name, "free")["plan"] == "free"
    assert len(done(stack, "revoke", name, "--all")["revoked"]) == 1


def test_without_a_system(stack: Running) -> None:
    missing = str(stack.data.parent / "nothing")
    result = subprocess.run(
        [*INGEST, "project", "list", "--data", missing],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "database_url is not set and" in result.stderr
