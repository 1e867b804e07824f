"""What a hostile client tries over the network: no process ends, no answer lacks a code.

Every test runs between two good events and ends with every process alive (conftest).
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.contract.wire import INGEST, NATIVE, connect, good, head, packed, post, read, send
from tests.running import NO_TLS

if TYPE_CHECKING:
    from tests.running import Running

ANSWERED_S = 10.0
UNKNOWN = "wk_x_" + "A" * 43
WORST_NAME = b"\\u0001" * 80
PAGES = ("/health", "/docs", "/docs/openapi.json")
PROJECT = "/api/v1/project"
FORM = "multipart/form-data; boundary=x"
# The parser of forms in the workers' HTTP library ends its process at a line of one byte.
FORMS = (
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\n',
    b"--x\r\n\n",
    b"\n",
    b"--x--",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("body", FORMS)
def test_a_form_on_a_page_that_needs_no_key(stack: Running, path: str, body: bytes) -> None:
    for method in ("GET", "HEAD"):
        headers = {"Host": "x", "Connection": "close", "Content-Type": FORM}
        headers["Content-Length"] = str(len(body))
        assert send(stack, head(method, path, headers) + body).status == 415


@pytest.mark.parametrize("path", [*INGEST, PROJECT])
@pytest.mark.parametrize(
    "types",
    [
        {"Content-Type": FORM},
        {"Content-Type": f", {FORM}"},
        {"Content-Type": "application/json", "content-type": FORM},
        {"Content-Type": FORM, "content-type": "application/json"},
        {"Content-Type": FORM.upper()},
    ],
)
def test_a_form_in_the_place_of_json(stack: Running, path: str, types: dict[str, str]) -> None:
    for body in FORMS:
        headers = {
            "Host": "x",
            "X-Api-Key": UNKNOWN,
            "Authorization": "Bearer x",
            "Content-Length": str(len(body)),
        }
        answer = send(stack, head("POST", path, headers | types) + body)
        assert (answer.status, answer.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", PAGES)
def test_a_body_on_a_page_goes_nowhere(stack: Running, path: str) -> None:
    headers = {"Host": "x", "Content-Type": "application/json"}
    for size, status in ((3, 200), (1 << 20, 413)):
        request = head("GET", path, headers | {"Content-Length": str(size)}) + b" " * size
        assert send(stack, request).status == status


@pytest.mark.parametrize("count", [55, 70, 95, 300])
def test_many_headers(stack: Running, count: int) -> None:
    answer = post(stack, good(), **{f"X_{number}": "y" for number in range(count)})
    if count < 60:
        assert answer.status == 202
    else:
        assert (answer.status, answer.code) == (431, "head_too_large")


@pytest.mark.parametrize("query", ["\xff", '"', "<script>", "\x7f", "a=\xc3\xa9"])
def test_an_address_that_should_be_escaped(stack: Running, query: str) -> None:
    answer = post(stack, good(), f"{NATIVE}?{query}")
    assert (answer.status, answer.code) == (400, "bad_request")
    answer = send(stack, head("GET", f"/docs?{query}", {"Host": "x"}))
    assert (answer.status, answer.code) == (400, "bad_request")


@pytest.mark.parametrize(
    "path",
    [
        *("/-/metrics", "/-/ready", "/-/problem/400", "/livez", "/metrics"),
        *("/-/metrics/../../docs", "/-/metrics#/../../docs", "/-/metrics%23/../../docs"),
        *("/docs/..%2f-/metrics", "//health", "/health%00", "http://x/-/metrics"),
        *("/-/metrics%3f/../../docs", "/../-/metrics"),
    ],
)
def test_no_way_to_what_is_private(stack: Running, path: str) -> None:
    answer = send(stack, head("GET", path, {"Host": "x", "X-Ingest-Edge": "x"}))
    assert (answer.status, answer.code) in {(404, "not_found"), (400, "bad_request")}


def test_another_version_of_http_has_a_code(stack: Running) -> None:
    data = packed(good())
    for version in (b"HTTP/2.0", b"HTTP/3.0"):
        request = head("POST", NATIVE, {"Host": "x"}).replace(b"HTTP/1.1", version)
        answer = send(stack, request + data)
        assert (answer.status, answer.code) == (400, "bad_request")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_scheme_has_no_case(stack: Running, scheme: str) -> None:
    bearer = f"{scheme} {stack.run.api_key}"
    assert post(stack, good(), X_Api_Key=None, Authorization=bearer).status == 202


def test_two_keys_are_none(stack: Running) -> None:
    for other in (stack.run.api_key, UNKNOWN):
        answer = post(stack, good(), X_Api_Key=stack.run.api_key, x_api_key=other)
        assert (answer.status, answer.code) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("length", "most"),  # of one address: half of 512 MiB, and of 256 MiB in bodies of 100 kB
    [
        ({"Content-Length": "1048576"}, 256),
        ({"Transfer-Encoding": "chunked"}, 256),
        ({"Content-Length": "99999"}, 1342),
        ({"Content-Length": "10000"}, 1342),
    ],
)
def test_large_bodies_that_never_end_are_bounded(
    stack: Running, length: dict[str, str], most: int
) -> None:
    """Each would be held in memory until it is whole, whoever sends it; others go on."""
    headers = {"Host": "x", "X-Api-Key": UNKNOWN, "Content-Type": "application/json"}
    with ExitStack() as held, DefaultSelector() as answered:
        for _ in range(most + 1):
            connection = held.enter_context(connect(stack))
            connection.sendall(head("POST", NATIVE, headers | length))
            answered.register(connection, EVENT_READ, connection)
        (refused, _), *others = answered.select(ANSWERED_S)
        answer = read(refused.data)
        assert (answer.status, answer.code) == (503, "too_many_connections")
        assert not others
        assert post(stack, good()).status == 202


def test_heads_and_bodies_that_trickle(stack: Running) -> None:
    request = head("POST", NATIVE, {"Host": "x", "X-Api-Key": UNKNOWN, "Content-Length": "9"})
    with ExitStack() as held:
        connections = [held.enter_context(connect(stack)) for _ in range(500)]
        for number, connection in enumerate(connections):
            connection.sendall(request[: number % len(request) + 1])
        assert post(stack, good()).status == 202
        for number, connection in enumerate(connections):
            connection.sendall(request[number % len(request) + 1 :] + b"123456789")
        assert {read(connection).status for connection in connections} == {401}


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding:\tchunked",
        "Transfer-Encoding:\r\n chunked",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: +5",
        "Content-Length: 5, 5",
        "Content-Length : 5",
        "Content-Length: 5\r\nX: a\r\n b",
        "Content-Length: 5\r\nX: a\rX: b",
        "Content-Length: 5\r\nX: a\0b",
        "Content-Length: 5\r\nHost: y",
    ],
)
def test_no_two_readings_of_where_a_body_ends(stack: Running, lines: str) -> None:
    """One 400, and the connection ends: what follows is nobody's request."""
    key = f"X-Api-Key: {stack.run.api_key}\r\nContent-Type: application/json"
    request = f"POST {NATIVE} HTTP/1.1\r\nHost: x\r\n{key}\r\n{lines}\r\n\r\n"
    hidden = f"0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n{key}\r\n\r\n"
    with connect(stack) as connection:
        connection.sendall((request + hidden).encode("latin-1"))
        with connection.makefile("rb") as stream:
            told = stream.read()
    assert told.startswith(b"HTTP/1.1 400 ")
    assert told.count(b"HTTP/1.1 ") == 1
    assert b'"code":"bad_request"' in told


def test_an_answer_is_not_larger_than_what_it_answers(stack: Running) -> None:
    event = b'{"' + WORST_NAME + b'":1}'
    body = b"[" + b",".join([event] * 1000) + b"]"
    answer = post(stack, body)
    assert (answer.status, answer.code) == (422, "no_acceptable_event")
    assert len(answer.json["rejected"]) == 1000
    assert len(answer.body) < 1.1 * len(body)


def test_clients_that_never_read_hold_nobody_up(stack: Running) -> None:
    body = b"[" + b",".join([b"1"] * 1000) + b"]"
    headers = {"Host": "x", "X-Api-Key": stack.run.api_key, "Content-Type": "application/json"}
    request = head("POST", NATIVE, headers | {"Content-Length": str(len(body))}) + body
    with ExitStack() as held:
        for _ in range(100):
            held.enter_context(connect(stack)).sendall(request * 3)
        assert post(stack, good()).status == 202


def test_a_worker_answers_nobody_but_the_edge(stack: Running) -> None:
    addresses = [
        listener.laddr
        for name, pid in stack.run.pids.items()
        if name.startswith("worker-")
        for listener in psutil.Process(pid).net_connections("tcp")
        if listener.status == psutil.CONN_LISTEN
    ]
    assert [address.ip for address in addresses] == ["127.0.0.1"] * 2
    ports = {address.port for address in addresses}
    assert len(ports) == 2
    for port in ports:
        for given in ({}, {"X-Ingest-Edge": ""}, {"X-Ingest-Edge": "guess"}):
            for path in ("/-/metrics", "/health", NATIVE):
                answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers=given, verify=NO_TLS)
                assert answer.status_code == 403


def test_no_secret_is_in_a_log_or_an_argument(stack: Running) -> None:
    post(stack, good(), X_Api_Key=stack.run.api_key + "\xff")
    kept = json.loads((stack.data / "credentials.json").read_text())
    secrets = [stack.run.api_key, stack.run.admin_token, *kept.values()]
    texts = [file.read_text(errors="replace") for file in (stack.data / "log").iterdir()]
    texts += [stack.output.read_text(errors="replace")]
    texts += [" ".join(process.cmdline()) for process in stack.children]
    assert not [secret for secret in secrets if any(secret in text for text in texts)]
