"""What the supervisor survives: processes killed, itself killed, a worker told to stop."""

from __future__ import annotations

import re
import signal
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
from ingest.local.strays import is_alive
from ingest.readiness import SILENT_S

from tests.load import Load
from tests.running import Running, event, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.stack

GONE_S = 5.0
IDLE = 5000
FROZEN_S = 25.0  # less than a client waits for an answer


def test_a_killed_supervisor_takes_everything_along_and_loses_nothing(base: Path) -> None:
    running = Running(base / "data")
    with running:
        with Load(running) as load:
            until(lambda: len(load.acknowledged) > 500, 30, "some load")
            children = running.children
            running.supervisor.kill()
            until(lambda: not any(map(is_alive, children)), GONE_S, "everything ended")
        running.supervisor.wait()
        running.start()
        until(lambda: load.acknowledged <= set(running.stored()), 30, "all acknowledged stored")
        assert len(running.stored()) == len(set(running.stored()))


def test_frozen_and_orphaned_processes_end_with_a_killed_supervisor(base: Path) -> None:
    with Running(base / "data") as running:
        pids = running.run.pids
        for name in ("postgres", "consumer-0", "worker-0"):
            psutil.Process(pids[name]).suspend()
        children = running.children
        psutil.Process(pids["edge"]).kill()
        running.supervisor.kill()
        until(lambda: not any(map(is_alive, children)), GONE_S, "everything ended")
        running.supervisor.wait()
        running.start()
        assert running.post(event()).status_code == 202


def test_leftovers_of_an_earlier_run_are_ended_before_a_start(base: Path) -> None:
    with Running(base / "data") as running:
        (watchdog,) = [one for one in running.children if "ingest.local.watchdog" in one.cmdline()]
        edge = psutil.Process(running.run.pids["edge"])
        workers = edge.children()
        watchdog.kill()
        edge.kill()
        running.supervisor.kill()
        running.supervisor.wait()
        assert all(map(is_alive, workers))
        running.start()
        assert not any(map(is_alive, workers))
        assert running.post(event()).status_code == 202


def test_a_worker_told_to_stop_under_load_fails_no_request(stack: Running) -> None:
    before = stack.run.pids["worker-1"]
    with Load(stack, clients=8) as load:
        until(lambda: len(load.acknowledged) > 500, 30, "some load")
        psutil.Process(before).send_signal(signal.SIGTERM)
        until(lambda: stack.run.pids["worker-1"] != before, 30, "a new worker")
        enough = len(load.acknowledged) + 500
        until(lambda: len(load.acknowledged) > enough, 30, "more load")
    assert set(load.answers) == {202}, load.answers


def test_a_drain_answers_what_is_in_flight(base: Path) -> None:
    with Running(base / "data") as running:
        with Load(running, clients=8) as load:
            until(lambda: len(load.acknowledged) > 500, 30, "some load")
            assert running.stop(signal.SIGTERM) == 0
        # While it drains: 503. After it: no connection. Never an answer that was cut off.
        assert set(load.answers) <= {202, 503, "ConnectError"}, load.answers
        running.start()
        assert load.acknowledged <= set(running.stored())


def test_a_second_signal_forces(base: Path) -> None:
    with Running(base / "data") as running:
        consumer = psutil.Process(running.run.pids["consumer-0"])
        children = running.children
        consumer.suspend()
        running.supervisor.send_signal(signal.SIGINT)
        until(lambda: not (running.data / "run.json").exists(), 10, "the drain began")
        assert running.stop(signal.SIGINT, timeout_s=5) != 0
        assert not any(map(is_alive, children))


def test_a_worker_that_hangs_is_replaced(base: Path) -> None:
    with Running(base / "data") as running:
        pid = running.run.pids["worker-0"]
        psutil.Process(pid).suspend()
        until(lambda: running.run.pids["worker-0"] != pid, 2 * SILENT_S, "a new worker")
        assert "was silent for 30 s" in running.output.read_text()
        assert {running.post(event()).status_code for _ in range(20)} == {202}


def test_restarts_back_off(base: Path) -> None:
    with Running(base / "data") as running:
        for _ in range(4):
            pid = running.run.pids["admin"]
            psutil.Process(pid).kill()
            until(lambda: running.run.pids["admin"] != pid, 30, "a new admin")  # noqa: B023
        log = running.output.read_text()
        delays = [float(delay) for delay in re.findall(r'"delay_s": ([\d.]+)', log)]
        assert delays == [0.1, 0.2, 0.4, 0.8]


def test_files_that_cannot_be_written_end_nothing(base: Path) -> None:
    """As on a full disk: who runs is noted as soon as there is room."""
    with Running(base / "data") as running:
        run, files = running.run, [running.data / name for name in ("run.json", "children.json")]
        for file in files:
            file.unlink()
            file.mkdir()
        psutil.Process(run.pids["worker-0"]).kill()
        told = "can't be written"
        until(lambda: running.output.read_text().count(told) == len(files), 30, "both told")
        for file in files:
            file.rmdir()
        until((running.data / "run.json").is_file, 10, "written again")
        assert running.run.pids["worker-0"] != run.pids["worker-0"]
        assert running.post(event()).status_code == 202
        assert running.stop() == 0
        assert "Traceback" not in running.output.read_text()


def test_idle_connections_do_not_keep_others_out(stack: Running) -> None:
    with ExitStack() as idle:
        for _ in range(IDLE):
            idle.enter_context(socket.create_connection(("127.0.0.1", stack.port)))
        with Load(stack, clients=2) as load:
            until(lambda: len(load.acknowledged) > 200, 30, "load beside idle connections")
        assert set(load.answers) == {202}
    assert httpx.get(f"{stack.run.url}/health").status_code == 200


def test_a_frozen_worker_holds_only_some_clients(stack: Running) -> None:
    """The edge sends where the fewest requests are, so that not all run into it by turns."""
    frozen = psutil.Process(stack.run.pids["worker-0"])
    with Load(stack, clients=8) as load:
        until(lambda: len(load.acknowledged) > 500, 30, "some load")
        frozen.suspend()
        try:
            enough = len(load.acknowledged) + 2000
            until(lambda: len(load.acknowledged) > enough, FROZEN_S, "most requests go on")
        finally:
            frozen.resume()
    assert set(load.answers) == {202}, load.answers
