"""A client of the tests' own: it sends exactly the bytes that it is told to, through the edge."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tests.running import event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.running import Running

TIMEOUT_S = 30.0
NATIVE, SINGLE, BATCH = "/v1/events", "/api/v1/event", "/api/v1/event/batch"
INGEST = (NATIVE, SINGLE, BATCH)


class Answer(NamedTuple):
    """Status, headers with names in lower case, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The problem's code, after the form of a problem has been checked."""
        assert self.headers["content-type"] == "application/problem+json", self
        told = self.json
        assert told["status"] == self.status, self
        assert told["type"] == f"urn:ingest:{told['code']}", self
        assert told["title"], self
        assert told["message"] == told["detail"], self
        if self.status in {429, 503}:
            assert int(self.headers["retry-after"]) >= 1, self
        code: str = told["code"]
        return code


def good(**fields: object) -> dict[str, object]:
    """Make an event that is taken."""
    return event(**fields)


def packed(body: object) -> bytes:
    """Write a body as JSON."""
    return json.dumps(body).encode()


def post(
    stack: Running,
    body: bytes | object,
    path: str = NATIVE,
    /,
    **changes: str | None,
) -> Answer:
    """Post with a key and the right head; `changes` replace headers, None leaves one out."""
    data = body if isinstance(body, bytes) else packed(body)
    headers: dict[str, str | None] = {
        "Host": "localhost",
        "Connection": "close",
        "X-Api-Key": stack.run.api_key,
        "Content-Type": "application/json",
        "Content-Length": str(len(data)),
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return send(stack, head("POST", path, headers) + data)


def head(method: str, path: str, headers: Mapping[str, str | None]) -> bytes:
    """Write a request's head."""
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


def send(stack: Running, data: bytes, *, half_close: bool = False) -> Answer:
    """Send bytes on a connection of their own and read the one answer."""
    with connect(stack) as connection:
        connection.sendall(data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return read(connection)


def connect(stack: Running) -> socket.socket:
    """Open a connection to the edge."""
    url = urlsplit(stack.run.url)
    return socket.create_connection((url.hostname or "", url.port or 0), TIMEOUT_S)


def read(connection: socket.socket) -> Answer:
    """Read one answer up to its Content-Length."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return Answer(status, headers, stream.read(int(headers.get("content-length", 0))))
