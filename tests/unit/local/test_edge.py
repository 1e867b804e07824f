"""The edge's configuration: nginx takes it, and each of its own errors is a problem."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ingest.local import problems
from ingest.local.data_dir import DataDir
from ingest.local.edge import Edge
from ingest.settings import Settings

from tests import certificates
from tests.running import free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "s3cret"
KEY = "wk_test_" + "a" * 43


def edge_of(base: Path, **given: object) -> Edge:
    values = {"port": free_port(), "admin_port": free_port(), "drain_timeout_s": 2} | given
    return Edge(DataDir(base / "data"), Settings.load(None, **values), SECRET, [free_port()])


@contextmanager
def started(base: Path, **given: object) -> Iterator[Edge]:
    """An edge that answers until the block ends."""
    edge = edge_of(base, **given)
    edge.prepare()
    edge.start()
    try:
        edge.wait_ready(10)
        yield edge
    finally:
        edge.stop()


@pytest.mark.parametrize("problem", problems.PROBLEMS, ids=lambda problem: problem.code)
def test_each_error_is_a_problem(problem: problems.Problem) -> None:
    told = json.loads(problem.body.replace(r"\'", "'"))
    assert told["status"] == problem.status
    assert told["code"] == problem.code
    assert told["type"] == f"urn:ingest:{problem.code}"
    assert told["title"]
    assert told["message"]
    assert ("Retry-After" in problem.header) == (problem.status >= 500)
    assert "$" not in problem.body


@pytest.mark.parametrize(
    "given", [{}, {"host": "::1"}, {"workers": 9}, {"max_connections": 65_535}], ids=str
)
def test_nginx_takes_the_configuration(base: Path, given: dict[str, object]) -> None:
    edge_of(base, **given).prepare()


def test_its_secret_is_for_its_owner_alone(base: Path) -> None:
    edge = edge_of(base)
    edge.prepare()
    file = edge.directory / "edge.conf"
    assert SECRET in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_uid == edge.directory.stat().st_uid


def test_ready_drained_and_stopped(base: Path) -> None:
    with started(base) as edge:
        assert _post(edge)["code"] == "worker_unreachable"
        edge.send_to([])
        until(edge.is_reloaded, 5, "reloaded")
        assert _post(edge)["code"] == "unavailable"
        edge.drain()
        until(edge.is_reloaded, 5, "reloaded")
        assert _post(edge)["code"] == "draining"
    assert edge.exit_code == 0
    assert not edge.is_ready()


def test_the_line_of_an_unanswered_request_names_what_the_client_sent(base: Path) -> None:
    with started(base) as edge:
        connection = http.client.HTTPConnection(edge.url.removeprefix("http://"), timeout=5)
        head = {"X-Api-Key": KEY, "X-Request-Id": "mine"}
        connection.request("POST", "/v1/events?token=s3cret", "{}", head)
        assert connection.getresponse().status == http.HTTPStatus.BAD_GATEWAY
        connection.close()
    told = (edge.home.log / "edge.log").read_text()
    (line,) = (each for each in told.splitlines() if " from 127.0.0.1:" in each)
    assert line.endswith(' s: "POST /v1/events" mine')


def test_refusals_leave_no_line_when_nobody_counts_them(base: Path) -> None:
    with started(base) as edge:
        for _ in range(20):
            connection = http.client.HTTPConnection(edge.url.removeprefix("http://"), timeout=5)
            connection.request("GET", "/none")
            assert connection.getresponse().status == http.HTTPStatus.NOT_FOUND
            connection.close()
    assert "syslog" not in (edge.home.log / "edge.log").read_text()


@pytest.mark.parametrize("is_whole_head", [False, True], ids=["head", "body"])
def test_a_client_that_is_too_slow_is_cut_off_without_an_answer(
    base: Path, is_whole_head: bool
) -> None:
    """As the page for clients says; nginx knows the status 408, but never sends it."""
    with started(base, head_timeout_s=1, body_timeout_s=1) as edge:
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\nContent-Length: 9\r\n"
        port = int(edge.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
            slow.sendall((head + "\r\n{" if is_whole_head else head).encode())
            assert _received(slow) == b""


def test_tls_by_two_settings(base: Path) -> None:
    key, certificate = base / "the key.pem", base / "cert.pem"
    certificates.make(certificate, key)
    with started(base, tls_key=key, tls_certificate=certificate) as edge:
        assert edge.url.startswith("https://")
        context = ssl.create_default_context(cafile=certificate)
        port = int(edge.url.rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            assert secure.version() in {"TLSv1.2", "TLSv1.3"}


def _received(connection: socket.socket) -> bytes:
    """Everything until the other side closes; a reset is an end, too."""
    try:
        with connection.makefile("rb") as stream:
            return stream.read()
    except ConnectionResetError:
        return b""


def _post(edge: Edge) -> dict[str, object]:
    connection = http.client.HTTPConnection(edge.url.removeprefix("http://"), timeout=5)
    connection.request("POST", "/v1/events", "{}", {"X-Api-Key": KEY})
    told: dict[str, object] = json.loads(connection.getresponse().read())
    connection.close()
    return told
