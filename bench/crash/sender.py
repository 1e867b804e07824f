"""One client's connection: sends a request, tells what is known of it afterwards."""

from __future__ import annotations

import http.client
import json
import select
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.crash.journal import Answer, Outcome

if TYPE_CHECKING:
    import socket

    from bench.crash.composer import Request

#: Longer than the edge waits for a worker: a client that hangs is told apart from a slow answer.
TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0
#: Answers after which nobody knows; 503 is surely not stored unless it says so.
UNKNOWN_STATUS = frozenset({408, 500, 502, 504})
UNKNOWN_CODES = frozenset({"outcome_unknown"})
RETRY_STATUS = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Result:
    """What an attempt gave: the line for the journal, and what the answer asks of a client."""

    answer: Answer
    is_final: bool = False
    retry_after_s: float = 0.0


@dataclass(slots=True)
class _Response:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Sender:
    """Keeps one connection open; opens another after any error. For one thread."""

    def __init__(self, url: str, api_key: str) -> None:
        self._address = urlsplit(url).netloc
        self._headers = {"X-Api-Key": api_key, "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def attempt(self, request: Request) -> Result:
        """Send once and wait for the answer."""
        began = time.monotonic()
        try:
            connection = self._connected()
        except OSError as error:
            return self._ended(request, began, Outcome.UNSENT, error)
        try:
            connection.request("POST", request.path, request.body, self._headers | request.headers)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            got = _Response(response.status, headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            return self._ended(request, began, Outcome.UNKNOWN, error)
        if got.headers.get("connection") == "close":
            self.close()
        return _judged(request, got, time.monotonic() - began)

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None and _is_readable(self._connection.sock):
            self.close()  # nothing was asked: what can be read is the end of the connection
        if self._connection is None:
            connection = http.client.HTTPConnection(self._address, timeout=CONNECT_TIMEOUT_S)
            connection.connect()
            connection.sock.settimeout(TIMEOUT_S)
            connection.auto_open = 0
            self._connection = connection
        return self._connection

    def _ended(self, request: Request, began: float, outcome: Outcome, error: Exception) -> Result:
        self.close()
        now = time.monotonic()
        detail = f"{type(error).__name__}: {error}"
        return Result(
            Answer(request.number, now, outcome, took_s=round(now - began, 4), detail=detail)
        )


def _is_readable(sock: socket.socket) -> bool:
    return bool(select.select([sock], [], [], 0)[0])


def _judged(request: Request, got: _Response, took_s: float) -> Result:
    told: dict[str, Any] = {}
    with suppress(ValueError):
        told = json.loads(got.body)
    code = str(told.get("code", ""))
    answer = Answer(
        request.number,
        time.monotonic(),
        _outcome(got.status, code),
        got.status,
        code,
        got.headers.get("ingest-ack", ""),
        _ids(told),
        {one["index"]: one["code"] for one in told.get("rejected", ()) if "index" in one},
        round(took_s, 4),
        "" if code or got.status == http.client.ACCEPTED else got.body[:200].decode("latin-1"),
    )
    is_final = answer.outcome is Outcome.ACCEPTED or (
        answer.outcome is Outcome.REFUSED and got.status not in RETRY_STATUS
    )
    return Result(answer, is_final, _seconds(got.headers.get("retry-after", "")))


def _outcome(status: int, code: str) -> Outcome:
    if status == http.client.ACCEPTED:
        return Outcome.ACCEPTED
    if status in UNKNOWN_STATUS or code in UNKNOWN_CODES:
        return Outcome.UNKNOWN
    return Outcome.REFUSED


def _ids(told: dict[str, Any]) -> bytes:
    one = told.get("event_id")
    texts = [one] if one is not None else told.get("event_ids", [])
    return b"".join(uuid.UUID(text).bytes for text in texts)


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0
