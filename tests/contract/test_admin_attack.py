"""What a page in a browser, or a program without the token, tries on the admin process."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil
import pytest
from ingest.front import (
    MAX_BODY_BYTES,
    MAX_CONNECTIONS,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_REFUSED,
    REQUEST_S,
)
from ingest.serving import MAX_STREAMS

from tests.contract.wire import TIMEOUT_S, Answer, head, read
from tests.running import until

if TYPE_CHECKING:
    from tests.running import Running

# Sooner than a comment is sent, which is what shows a server alone that its client has gone.
SOON_S = 5.0
SESSION = "/api/v1/session"
FORM = "multipart/form-data; boundary=x"


def connect(stack: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", stack.admin_port), TIMEOUT_S)


def send(stack: Running, data: bytes) -> Answer:
    with connect(stack) as connection:
        connection.sendall(data)
        return read(connection)


def ask(stack: Running, path: str = "/livez", method: str = "GET", **headers: str) -> Answer:
    return send(stack, asking(stack, path, method, **headers))


def asking(stack: Running, path: str, method: str = "GET", **headers: str) -> bytes:
    given = {"Host": f"127.0.0.1:{stack.admin_port}"}
    given["Authorization"] = f"Bearer {stack.run.admin_token}"
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return head(method, path, given)


@pytest.fixture(autouse=True)
def same_process(stack: Running) -> None:
    """See that admin has answered all along: `surrounded` sees that nobody was replaced."""
    assert ask(stack).status == 200


@pytest.mark.parametrize("body", [b"\n", b"--x\r\n\n", b"--x--", b'--x\r\nA: "\r\n\r\n\n'])
@pytest.mark.parametrize("types", [(FORM,), ("application/json", FORM), (FORM.upper(),)])
def test_a_form_that_a_foreign_page_sends(
    stack: Running, body: bytes, types: tuple[str, ...]
) -> None:
    """Any page may send one, whatever it gets back: one byte of it ended the process."""
    lines = "".join(f"Content-Type: {one}\r\n" for one in types)
    lines += f"Origin: http://evil.example\r\nContent-Length: {len(body)}\r\n"
    for path in (SESSION, "/", "/nothing"):
        request = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{stack.admin_port}\r\n{lines}\r\n"
        answer = send(stack, request.encode() + body)
        assert (answer.status, answer.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body", [b"xyz\r\n", b"-1\r\n\r\n", b"2\r\n{}XX0\r\n\r\n", b"f" * 30 + b"\r\n"]
)
def test_chunks_that_are_none(stack: Running, body: bytes) -> None:
    request = head("POST", SESSION, {"Host": "evil", "Transfer-Encoding": "chunked"})
    answer = send(stack, request + body)
    assert (answer.status, answer.code) == (400, "invalid_request")


def test_chunks_arrive_as_a_body_with_a_length(stack: Running) -> None:
    headers = {"Host": f"localhost:{stack.admin_port}", "Content-Type": "application/json"}
    request = head("POST", SESSION, headers | {"Transfer-Encoding": "chunked"})
    secret = b'{"token":"%b"}' % stack.run.admin_token.encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in secret) + b"0\r\n\r\n"
    assert send(stack, request + chunks).status == 204


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example:{}", "127.0.0.1.:{}", "localhost.:{}", "LOCALHOST:{}", "localhost:0{}"),
        *("0.0.0.0:{}", "127.1:{}", "evil@127.0.0.1:{}", "127.0.0.1:{}#", "127.0.0.1", ""),
    ],
)
def test_a_name_that_is_rebound_to_this_machine(stack: Running, host: str) -> None:
    named = host.format(stack.admin_port)
    for path in ("/livez", "/login", "/static/base.css", f"http://127.0.0.1:{stack.admin_port}/"):
        assert ask(stack, path, Host=named).code == "forbidden"


def test_two_hosts_are_none(stack: Running) -> None:
    own = f"127.0.0.1:{stack.admin_port}"
    for first, second in ((own, "evil"), ("evil", own), (own, own)):
        assert ask(stack, Host=first, host=second).code == "invalid_request"


@pytest.mark.parametrize(
    "data",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * MAX_HEAD_BYTES + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * MAX_HEADERS + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_what_is_no_request(stack: Running, data: bytes) -> None:
    answer = send(stack, data)
    assert (answer.status, answer.code) == (400, "invalid_request")


def test_another_protocol_is_not_spoken(stack: Running) -> None:
    for protocol in ("h2c", "websocket"):
        answer = ask(stack, Connection="Upgrade", Upgrade=protocol, HTTP2_Settings="AAMAAABk")
        assert answer.status == 200
    assert ask(stack, method="TRACE").code == "method_not_allowed"


def test_a_body_is_bounded_before_it_is_read(stack: Running) -> None:
    process = psutil.Process(stack.run.pids["admin"])
    before = process.memory_info().rss
    headers = {"Host": "evil", "Content-Length": str(1 << 40)}
    for _ in range(20):
        answer = send(stack, head("POST", SESSION, headers) + bytes(2 * MAX_BODY_BYTES))
        assert (answer.status, answer.code) == (413, "body_too_large")
    assert process.memory_info().rss - before < 16 << 20


def test_a_body_in_many_small_chunks(stack: Running) -> None:
    request = head("POST", SESSION, {"Host": "evil", "Transfer-Encoding": "chunked"})
    answer = send(stack, request + b"1\r\nx\r\n" * MAX_BODY_BYTES + b"0\r\n\r\n")
    assert (answer.status, answer.code) == (413, "body_too_large")


def test_callers_who_say_nothing_are_let_go(stack: Running) -> None:
    with ExitStack() as held:
        silent = [held.enter_context(connect(stack)) for _ in range(MAX_CONNECTIONS + 1)]
        silent[-1].settimeout(REQUEST_S / 2)
        answer = read(silent[-1])
        assert (answer.status, answer.code) == (503, "overloaded")
        told = [held.enter_context(connect(stack)) for _ in range(MAX_REFUSED + 16)]
        told[-1].settimeout(REQUEST_S / 2)
        assert told[-1].recv(1) == b"", "more than are told at once"
    until(lambda: ask_quietly(stack), REQUEST_S, "answered again")


def ask_quietly(stack: Running) -> bool:
    try:
        return ask(stack).status == 200
    except (IndexError, ConnectionError):
        return False


def test_streams_that_were_left_cost_nothing(stack: Running) -> None:
    for _ in range(2 * MAX_STREAMS):
        with connect(stack) as connection:
            connection.sendall(asking(stack, "/api/v1/stream?topics=refusals"))
            assert connection.recv(1 << 10).startswith(b"HTTP/1.1 200 ")


def test_a_stream_ends_with_its_caller_who_half_closes(stack: Running) -> None:
    with connect(stack) as connection:
        connection.sendall(asking(stack, "/api/v1/stream?topics=refusals"))
        assert connection.recv(1 << 10).startswith(b"HTTP/1.1 200 ")
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(SOON_S)
        while connection.recv(1 << 10):
            pass


def test_who_says_no_more_gets_the_whole_answer(stack: Running) -> None:
    with connect(stack) as connection:
        connection.sendall(asking(stack, "/metrics"))
        connection.shutdown(socket.SHUT_WR)
        answer = read(connection)
    assert (answer.status, len(answer.body)) == (200, int(answer.headers["content-length"]))
