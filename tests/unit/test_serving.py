"""A served process: its routes, its readiness, its signals and its drain."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from ingest.serving import MAX_STREAMS, QUIET_S

from tests.running import free_port, until
from tests.unit.served import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

START_S = 20.0
DRAIN_S = 3.0
ENDLESS = (
    f"GET /sleep HTTP/1.1\r\nHost: x\r\nX-Secret: {SECRET}\r\nX-Seconds: 99\r\n\r\n"
).encode()
ROOT = Path(__file__).parents[2]


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Served:
    """The process of `served.py` and a socket that hears what it says to its supervisor."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.said = b""
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(directory / "notify"))
        self._ear.setblocking(False)
        environment = os.environ | {"NOTIFY_SOCKET": str(directory / "notify")}
        self.process = start(self.port, environment)
        until(lambda: self.heard(b"READY=1"), START_S, "ready")

    def heard(self, state: bytes) -> bool:
        """Tell whether it has said this."""
        while True:
            try:
                self.said += self._ear.recv(100)
            except BlockingIOError:
                return state in self.said

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Ask one thing on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        given = {"X-Secret": SECRET} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        told = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return told

    def lines(self) -> list[str]:
        """Give what it has written, once it has ended."""
        return self.process.communicate(timeout=10)[0].splitlines()

    def close(self) -> None:
        """End it."""
        self._ear.close()
        self.process.kill()
        self.process.communicate()


def start(port: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.unit.served", str(port), str(DRAIN_S)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    process = Served(tmp_path)
    yield process
    process.close()


def in_background(served: Served, seconds: str, answers: list[Answer]) -> threading.Thread:
    thread = threading.Thread(
        target=lambda: answers.append(served.ask("GET", "/sleep", X_Seconds=seconds))
    )
    thread.start()
    return thread


def test_routes_and_what_lies_beside_them(served: Served) -> None:
    assert served.ask("POST", "/echo", b"hello").body == b"hello"
    assert served.ask("GET", "/echo/", b"").status == 405
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = served.ask(method, "/echo")
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    for path in ("/", "/nothing", "/echo/more", "/sleep/../x"):
        answer = served.ask("GET", path)
        assert (answer.status, json.loads(answer.body)["code"]) == (404, "not_found")


def test_a_get_answers_head_without_a_body(served: Served) -> None:
    answer = served.ask("HEAD", "/sleep", X_Seconds="0")
    assert (answer.status, answer.body) == (200, b"")


def test_a_handler_that_fails_ends_alone(served: Served) -> None:
    answer = served.ask("POST", "/fail", X_Request_Id="abc")
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "internal_error")
    assert b"on purpose" not in answer.body
    assert served.ask("POST", "/echo", b"still").body == b"still"


def test_an_answer_that_is_the_servers_fault_is_a_line_with_its_request(served: Served) -> None:
    for number in range(30):
        assert served.ask("POST", "/refuse", X_Code="overloaded", X_Request_Id=f"r{number}")
        assert served.ask("POST", "/refuse", X_Code="invalid_request", X_Request_Id="mine")
    assert served.ask("POST", "/fail", X_Request_Id="late").status == 500
    time.sleep(1)
    assert served.ask("POST", "/refuse", X_Code="overloaded", X_Request_Id="last").status == 503
    served.process.send_signal(signal.SIGTERM)
    lines = [json.loads(line) for line in served.lines() if '"answered"' in line]
    assert [line["request_id"] for line in lines[:20]] == [f"r{number}" for number in range(20)]
    assert {(line["status"], line["code"], line["route"]) for line in lines} == {
        (503, "overloaded", "/refuse")
    }
    assert lines[-1]["request_id"] == "last"
    assert sum(line.get("left_out", 0) for line in lines) + len(lines) == 30 + 1 + 1


def test_a_handler_that_fails_tells_whose_request_it_was(served: Served) -> None:
    served.ask("POST", "/fail", X_Request_Id="abc")
    served.process.send_signal(signal.SIGTERM)
    (line,) = [json.loads(line) for line in served.lines() if "a handler failed" in line]
    assert line["request_id"] == "abc"
    assert "RuntimeError: on purpose" in line["exception"]


def test_a_stream_gives_what_is_published_and_ends_at_a_drain(served: Served) -> None:
    with hearing(served) as (status, stream):
        assert status == 200
        assert stream.readline() == b"retry: 2000\n"
        assert stream.readline() == b"\n"
        assert served.ask("POST", "/tell", b"hello").status == 200
        assert stream.readline() == b"event: news\n"
        assert stream.readline() == b'data: "hello"\n'
        served.process.send_signal(signal.SIGTERM)
        assert stream.read() == b"\n", "the answer is whole: its last chunk came"
        assert served.process.wait(DRAIN_S) == 0


def test_streams_are_bounded_and_one_that_is_left_makes_room(served: Served) -> None:
    with ExitStack() as streams:
        for _ in range(MAX_STREAMS):
            assert streams.enter_context(hearing(served))[0] == 200
        with hearing(served) as (status, _):
            assert status == 503
    until(lambda: is_heard(served), 10, "room again, once those that left are noticed")


def is_heard(served: Served) -> bool:
    assert served.ask("POST", "/tell", b"is anybody there?").status == 200
    with hearing(served) as (status, _):
        return status == 200


@contextmanager
def hearing(served: Served) -> Iterator[tuple[int, http.client.HTTPResponse]]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.request("GET", "/hear", headers={"X-Secret": SECRET})
    answer = connection.getresponse()
    try:
        yield answer.status, answer
    finally:
        answer.close()
        connection.close()


def test_nobody_gets_past_the_guard(served: Served) -> None:
    for path in ("/echo", "/nothing"):
        assert served.ask("POST", path, X_Secret="guess").status == 403


def test_a_signal_lets_requests_finish(served: Served) -> None:
    answers: list[Answer] = []
    thread = in_background(served, "1", answers)
    until(lambda: served.ask("POST", "/echo").status == 200, 5, "serving")
    served.process.send_signal(signal.SIGTERM)
    until(lambda: served.heard(b"STOPPING=1"), 5, "told that it stops")
    assert served.ask("POST", "/echo", b"late").body == b"late"
    thread.join(10)
    assert answers[0].body == b"slept"
    output, _ = served.process.communicate(timeout=10)
    assert served.process.returncode == 0
    assert "stopped by request" in output
    assert "error" not in output, "of a socket that is taken away nobody complains"


def test_whoever_watches_does_not_keep_a_drain_from_its_end(served: Served) -> None:
    is_over = threading.Event()

    def watch() -> None:
        with suppress(OSError, http.client.HTTPException):
            while not is_over.wait(QUIET_S / 6):
                served.ask("GET", "/sleep", X_Seconds="0")

    until(lambda: served.ask("POST", "/echo").status == 200, 5, "serving")
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(DRAIN_S * 0.8) == 0
    finally:
        is_over.set()
        watching.join()


def test_a_drain_has_an_end(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(ENDLESS)
        until(lambda: served.ask("POST", "/echo").status == 200, 5, "serving")
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(DRAIN_S + 5) == 0


def test_a_second_signal_ends_it_at_once(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(ENDLESS)
        served.process.send_signal(signal.SIGTERM)
        until(lambda: served.heard(b"STOPPING=1"), 5, "told that it stops")
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(1) == 1


def test_a_port_in_use_is_a_clear_error(served: Served) -> None:
    second = start(served.port, dict(os.environ))
    output, _ = second.communicate(timeout=START_S)
    assert second.returncode != 0
    assert f"127.0.0.1:{served.port} can't be listened on: Address already in use" in output
