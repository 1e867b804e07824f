"""`ingest tail` and `ingest status` beside a running system, and when it goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.running import INGEST, Running, event, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.stack

SEEN_S = 60.0


class Tail:
    """The command at work, its lines in files."""

    def __init__(self, home: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self._out, self._err = home / "tail.out", home / "tail.err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [*INGEST, "tail", *arguments],
                stdout=out,
                stderr=err,
                env={"PATH": os.environ["PATH"]} | (env or {}),
                cwd=home,
            )

    def __enter__(self) -> Self:
        """Go on until the end of the block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Leave nothing behind when a test fails."""
        self.process.kill()
        self.process.wait()

    @property
    def lines(self) -> list[str]:
        """What it printed so far."""
        return self._out.read_text().splitlines()

    @property
    def faults(self) -> str:
        """What it told on stderr so far."""
        return self._err.read_text()

    def interrupt(self) -> int:
        """Press Ctrl-C and give the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


def seen(stack: Running, tail: Tail, *words: str, **fields: object) -> None:
    """Post until words are shown: the command takes a moment to be there."""

    def is_seen() -> bool:
        stack.post(event(user_id="first", **fields), event(event_type="nonsense"))
        time.sleep(0.3)
        return all(word in str(tail.lines) for word in words or ["first"])

    until(is_seen, SEEN_S, "what is posted is shown")


def test_events_and_refusals_are_shown_until_ctrl_c(stack: Running, base: Path) -> None:
    with Tail(base, "--data", str(stack.data)) as tail:
        connected = "-- connected: waiting for events and refusals, Ctrl-C ends it\n"
        until(lambda: tail.faults == connected, SEEN_S, "it says that it waits")
        assert tail.lines == []
        seen(stack, tail, "first", "REFUSED")
        stack.post(event(user_id="second", properties={"page_url": "https://example.com/"}))
        line = "default  page_view  user_id=second"
        until(lambda: line in str(tail.lines), SEEN_S, "the next event is shown")
        assert (tail.interrupt(), tail.faults) == (130, connected)


def test_json_of_one_type_over_an_address_and_a_token(stack: Running, base: Path) -> None:
    env = {"INGEST_ADMIN_TOKEN": stack.run.admin_token}
    words = ("--json", "--events", "--type", "purchase", "--admin-url", stack.run.admin_url)
    bought = {"product_id": "p", "price": 1.5, "quantity": 1}
    with Tail(base, *words, "--project", "default", env=env) as tail:
        seen(stack, tail, event_type="purchase", properties=bought)
        stack.post(event())
        told: list[dict[str, Any]] = [json.loads(line) for line in tail.lines]
        assert {(item["kind"], item["event_type"]) for item in told} == {("event", "purchase")}
        assert told[0]["properties"] == bought
        assert tail.faults.startswith("-- connected: waiting for events, ")
        assert tail.interrupt() == 130


@pytest.mark.parametrize("given", ["nosuch", "../plan", "00000000-0000-0000-0000-000000000000"])
def test_a_project_that_is_not_there_is_told(stack: Running, base: Path, given: str) -> None:
    with Tail(base, "--data", str(stack.data), "--project", given) as tail:
        assert tail.process.wait(60) == 1
        assert tail.faults == f"ingest: there is no project {given!r}\n"


def test_a_wrong_token_is_told(stack: Running, base: Path) -> None:
    words = ("--admin-url", stack.run.admin_url)
    with Tail(base, *words, env={"INGEST_ADMIN_TOKEN": "a-wrong-token-of-size"}) as tail:
        assert tail.process.wait(60) == 1
        assert tail.faults.startswith(f"ingest: admin at {stack.run.admin_url} refuses")
        assert tail.faults.count("\n") == 1


def test_it_connects_again_when_admin_comes_back(base: Path) -> None:
    with Running(base / "data") as running:
        with Tail(base, "--data", str(running.data)) as tail:
            seen(running, tail)
            os.kill(running.run.pids["admin"], signal.SIGKILL)
            until(lambda: "trying again" in tail.faults, SEEN_S, "the loss is told")
            count = len(tail.lines)

            def goes_on() -> bool:
                running.post(event())
                time.sleep(0.3)
                return len(tail.lines) > count

            until(goes_on, SEEN_S, "it goes on")
            assert tail.faults.endswith("-- connected again\n")
            assert tail.interrupt() == 130
        status_without_admin(running)


def status_without_admin(running: Running) -> None:
    """Freeze the admin process: `status` tells what it can without it."""
    admin = running.run.pids["admin"]
    os.kill(admin, signal.SIGSTOP)
    try:
        status = command(running, "status")
        assert status.returncode == 1
        assert "stored" in status.stdout
        assert "can't be reached" in status.stdout
    finally:
        os.kill(admin, signal.SIGCONT)


def command(running: Running, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*INGEST, *words, "--data", str(running.data)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_status_has_the_figures_of_the_dashboard(stack: Running) -> None:
    stack.post(event(), event(event_type="nonsense"))

    def accepted() -> int:
        told = json.loads(command(stack, "status", "--json").stdout)
        assert told["away"] is None
        return int(told["figures"]["events"]["accepted"]["total"])

    until(lambda: accepted() >= 1, SEEN_S, "a sample of after the event")
    shown = command(stack, "status")
    assert shown.returncode == 0, shown.stdout
    lines = shown.stdout.splitlines()
    assert any(line.startswith("refused events    unknown_event_type ") for line in lines)
    assert "acknowledges from fsync" in shown.stdout
    assert max(map(len, lines)) <= 100


def test_status_is_refreshed_and_plain_in_a_pipe(stack: Running) -> None:
    process = subprocess.Popen(
        [*INGEST, "status", "--watch", "--json", "--data", str(stack.data)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        times = [json.loads(process.stdout.readline())["figures"]["at"] for _ in range(3)]
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    assert times[0] < times[1] < times[2]


def test_a_supervisor_that_was_killed_is_told(base: Path) -> None:
    with Running(base / "data") as running:
        running.supervisor.kill()
        running.supervisor.wait()
        for words in (["status"], ["tail"], ["export"], ["audit"]):
            done = command(running, *words)
            assert (done.returncode, done.stderr.count("\n")) == (1, 1)
            assert "is gone without a word" in done.stderr
