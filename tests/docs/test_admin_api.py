"""docs/admin-api.md: its routes are those of the process, its lines run, its answers are real."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from ingest.admin.callers import Callers
from ingest.admin.dead_letters import DeadLetters
from ingest.admin.login import Login
from ingest.admin.project_routes import Making, project_routes
from ingest.admin.projects import Projects
from ingest.plans import BUILT_IN

from tests import poison
from tests.docs import pages

if TYPE_CHECKING:
    from tests.running import Running

PAGE = "docs/admin-api.md"
STEPS = ("make", "show", "list", "plan", "rotate", "revoke")


def test_the_routes_are_those_of_the_process() -> None:
    told = {(row[0], pages.plain(row[1])) for row in pages.table(PAGE, "Method")}
    routes = project_routes(
        Projects("postgresql://127.0.0.1:1/nothing", BUILT_IN), Making(0, Callers(""))
    )
    routes = [*routes, *DeadLetters("").routes, *Login("", 1).routes]
    assert told == {(route.method, route.path) for route in routes}


def test_the_lines_run_and_answer_as_told(stack: Running) -> None:
    setup = pages.labelled(PAGE, "setup").text.replace("8081", str(stack.admin_port))
    key_id = ""
    for step in STEPS:
        lines = pages.labelled(PAGE, step).text.replace("c01d5ab1e4f7", key_id)
        found = run(stack, setup + lines)
        answer = pages.labelled(PAGE, f"{step}-answer" if step != "plan" else "show-answer").text
        assert shape(found) == shape(json.loads(answer)), step
        key_id = found.get("key_id", key_id)


def test_the_lines_for_dead_letters_run_and_answer_as_told(stack: Running) -> None:
    setup = pages.labelled(PAGE, "setup").text.replace("8081", str(stack.admin_port))
    (event_id,) = poison.kill_events(stack, 1)
    for step in ("letters", "replay", "drop"):
        found = run(stack, setup + pages.labelled(PAGE, step).text)
        answer = pages.labelled(PAGE, f"{step}-answer").text
        assert shape(found) == shape(json.loads(answer)), step
    assert event_id in stack.stored()


def run(stack: Running, lines: str) -> Any:
    done = subprocess.run(
        ["sh", "-euc", lines],
        cwd=stack.data.parent,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def shape(found: Any) -> Any:
    """Leave of an answer its names, in order; what they hold differs each time."""
    if isinstance(found, dict):
        return [(name, shape(value)) for name, value in found.items()]
    return [shape(found[0])] if isinstance(found, list) and found else None
