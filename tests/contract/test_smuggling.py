"""Requests inside requests, and other protocols: the edge reads one, or none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.contract.wire import NATIVE, SINGLE, connect, good, head, packed, post, send

if TYPE_CHECKING:
    from tests.running import Running

#: What would be answered with 200 if somebody took it for a request.
HIDDEN = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def everything(stack: Running, data: bytes) -> bytes:
    """Send bytes, close the sending side behind a last request, and read to the end."""
    last = head("GET", "/docs/nothing", {"Host": "x", "Connection": "close"})
    with connect(stack) as connection, connection.makefile("rb") as stream:
        connection.sendall(data + last)
        return stream.read()


def chunked(stack: Running, **more: str) -> bytes:
    headers = {"Host": "x", "X-Api-Key": stack.run.api_key, "Content-Type": "application/json"}
    return head("POST", NATIVE, headers | {"Transfer-Encoding": "chunked"} | more)


@pytest.mark.parametrize("path", [NATIVE, SINGLE])
def test_an_upgrade_to_http_2_is_not_taken(stack: Running, path: str) -> None:
    upgrade = {"Connection": "Upgrade, HTTP2-Settings, close", "Upgrade": "h2c"}
    upgrade["HTTP2-Settings"] = "AAMAAABkAAQAAP__"
    assert post(stack, good(), path, **upgrade).status == 202


def test_http_2_without_asking_is_no_http(stack: Running) -> None:
    frames = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
    answer = send(stack, frames)
    assert (answer.status, answer.code) == (400, "bad_request")


@pytest.mark.parametrize(
    ("size", "end"),
    [
        (b"%x\n", b"\n0\n\n"),
        (b"0x%x\r\n", b"\r\n0\r\n\r\n"),
        (b"%x ;\n=\r\n", b"\r\n0\r\n\r\n"),
        (b"%x;a\rb\r\n", b"\r\n0\r\n\r\n"),
        (b"+%x\r\n", b"\r\n0\r\n\r\n"),
        (b"%x\r\n", b"0\r\n\r\n"),
        (b"1%031x\r\n", b"\r\n0\r\n\r\n"),
    ],
)
def test_chunks_with_two_readings_end_the_connection(
    stack: Running, size: bytes, end: bytes
) -> None:
    data = packed(good())
    told = everything(stack, chunked(stack) + size % len(data) + data + end + HIDDEN)
    assert told.count(b"HTTP/1.1 ") == 1
    assert b" 200 " not in told


@pytest.mark.parametrize(
    "end", [b"0;x=y\r\n\r\n", b"0\r\nContent-Length: 40\r\nX-Api-Key: y\r\n\r\n"]
)
def test_extensions_and_trailers_say_nothing(stack: Running, end: bytes) -> None:
    data = packed(good())
    body = b"%x;a=b\r\n" % len(data) + data + b"\r\n" + end
    told = everything(stack, chunked(stack) + body)
    assert re.findall(rb"HTTP/1\.1 (\d+)", told) == [b"202", b"404"]


def test_a_body_on_a_page_is_no_request(stack: Running) -> None:
    request = head("GET", "/docs", {"Host": "x", "Content-Length": str(len(HIDDEN))})
    told = everything(stack, request + HIDDEN)
    assert re.findall(rb"HTTP/1\.1 (\d+)", told) == [b"200", b"404"]


@pytest.mark.parametrize("name", ["Idempotency-Key", "X-Request-Id"])
@pytest.mark.parametrize("value", ["a%0d%0aX-Evil: 1", "a\tb", "a\x7f", "\xe9", "a" * 256])
def test_a_value_that_would_be_another_header(stack: Running, name: str, value: str) -> None:
    answer = post(stack, good(), **{name: value})
    assert answer.status == (400 if name == "Idempotency-Key" else 202)
    assert "x-evil" not in answer.headers
    assert value not in answer.headers["x-request-id"]


def test_a_connection_header_takes_nothing_away(stack: Running) -> None:
    """Else a client could remove what only the edge adds."""
    options = "close, X-Ingest-Edge, X-Api-Key, Content-Length, X-Real-IP"
    assert post(stack, good(), Connection=options).status == 202
