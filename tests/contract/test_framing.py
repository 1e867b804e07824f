"""Requests that are no HTTP, or end before they are whole: nothing of them reaches a worker."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.contract.wire import NATIVE, connect, good, head, packed, post, read, send

if TYPE_CHECKING:
    from tests.running import Running


def chunked(stack: Running, body: bytes, **more: str) -> bytes:
    headers = {
        "Host": "x",
        "X-Api-Key": stack.run.api_key,
        "Content-Type": "application/json",
        "Transfer-Encoding": "chunked",
    }
    return head("POST", NATIVE, headers | more) + body


def test_well_formed_chunks_are_taken(stack: Running) -> None:
    data = packed(good())
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in data)
    assert send(stack, chunked(stack, pieces + b"0\r\n\r\n")).status == 202


@pytest.mark.parametrize(
    "body",
    [
        b"xyz\r\n{}\r\n0\r\n\r\n",
        b"-1\r\n{}\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}XX0\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_malformed_chunks(stack: Running, body: bytes) -> None:
    answer = send(stack, chunked(stack, body))
    assert (answer.status, answer.code) in {(400, "bad_request"), (413, "body_too_large")}


def test_content_length_with_transfer_encoding(stack: Running) -> None:
    request = chunked(stack, b"0\r\n\r\n", **{"Content-Length": "5"})
    answer = send(stack, request)
    assert (answer.status, answer.code) == (400, "bad_request")


@pytest.mark.parametrize("length", ["-1", "x", "1, 2", "99999999999999999999"])
def test_a_length_that_is_none(stack: Running, length: str) -> None:
    answer = post(stack, good(), Content_Length=length)
    assert answer.status in {400, 413}
    assert answer.code in {"bad_request", "body_too_large"}


def test_a_truncated_body_is_not_taken(stack: Running) -> None:
    """The client says that it has sent all, but has not: whatever it hears, nothing is stored."""
    one = good(event_id="01a20aae-2172-770e-a199-d3796bd91be2")
    whole = packed([one, good()])
    headers = {
        "Host": "x",
        "X-Api-Key": stack.run.api_key,
        "Content-Type": "application/json",
        "Content-Length": str(len(whole) + 10),
    }
    with connect(stack) as connection:
        connection.sendall(head("POST", NATIVE, headers) + whole)
        connection.shutdown(socket.SHUT_WR)
        # The edge may close without a word, which is as clear to somebody who went away.
        with suppress(IndexError, ConnectionError):
            assert read(connection).status == 400
    assert one["event_id"] not in stack.stored()


@pytest.mark.parametrize(
    "request_line", [b"GARBAGE\r\n\r\n", b"GET /\x00 HTTP/1.1\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_http(stack: Running, request_line: bytes) -> None:
    with connect(stack) as connection:
        connection.sendall(request_line)
        assert read(connection).status in {400, 505}


def test_requests_on_one_connection_stay_apart(stack: Running) -> None:
    data = packed(good())
    headers = {
        "Host": "x",
        "X-Api-Key": stack.run.api_key,
        "Content-Type": "application/json",
        "Content-Length": str(len(data)),
    }
    bad = headers | {"Content-Length": "1"}
    with connect(stack) as connection:
        connection.sendall(head("POST", NATIVE, headers) + data)
        assert read(connection).status == 202
        connection.sendall(head("POST", NATIVE, bad) + b"{")
        assert read(connection).code == "malformed_json"
        connection.sendall(head("POST", NATIVE, headers) + data)
        assert read(connection).status == 202
