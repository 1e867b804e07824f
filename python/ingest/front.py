"""A small edge inside a process whose HTTP server has no nginx before it: the admin process.

That server's parsers end the process at one malformed chunk, or at a form whose body is one byte,
before any of our code; a form is what any page in a browser may send anywhere. So each request is
read here by h11, whole and bounded, and handed on with a length on a connection of its own. The
answer goes back as it comes; then the connection ends. Of a caller who leaves a stream of events
the server is told: it would notice only what it can't send.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import h11

from ingest.problems import CONTENT_TYPE, PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
MAX_HEAD_BYTES = 16 << 10
# The server's parser takes 96, and answers without a code above.
MAX_HEADERS = 64
MAX_BODY_BYTES = 64 << 10
# A body with the heads of its chunks; one of single bytes is six times as long.
MAX_RAW_BODY_BYTES = MAX_BODY_BYTES + (16 << 10)
# 64,000 at once held the event loop, and so every probe, for 0.48 s.
PARTS_AT_ONCE = 100
# People, their browsers and a Prometheus; each may cost a head and a body of memory.
MAX_CONNECTIONS = 256
# Of those above that, so many at once are told so; each costs a second and no memory.
MAX_REFUSED = 64
# For a head and a body to arrive, and for a piece of an answer to be taken.
REQUEST_S = 10.0
TAKE_S = 30.0
RETRY_STATUS = 503
# How long a refused client is still listened to: closed at once, it would not get the answer.
LINGER_S = 1.0
PIECE_BYTES = 64 << 10
# Names a connection to the server; what a caller sends under it is left out.
CALLER = "x-ingest-caller"
# They are about one connection, or say again how long a body is.
OF_CONNECTION = frozenset(
    b"connection content-length expect http2-settings keep-alive proxy-connection te trailer"
    b" transfer-encoding upgrade".split()
)
END_OF_HEAD = b"\r\n\r\n"
EVENT_STREAM = b"\r\ncontent-type: text/event-stream"


class Front:
    """Listens outside and asks the server inside; `left` is told of callers whose stream ended."""

    def __init__(self, inside: tuple[str, int], left: Callable[[str], None]) -> None:
        self._inside = inside
        self._left = left
        self._callers = map(str, count())
        # The loop alone would let a task go whose caller is gone, and what it holds stay open.
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._refused: set[asyncio.Task[None] | None] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> None:
        """Begin; OSError when the port is in use."""
        self._server = await asyncio.start_server(self._accepted, host, port)

    def close(self) -> None:
        """Accept nobody any more."""
        if self._server is not None:
            self._server.close()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        is_full = len(self._tasks) >= MAX_CONNECTIONS
        tasks = self._refused if is_full else self._tasks
        tasks.add(task)
        try:
            if not is_full:
                await self._serve(reader, writer)
            elif len(tasks) <= MAX_REFUSED:
                await _refuse(reader, writer, _Refused("overloaded"))
        except TimeoutError:
            writer.transport.abort()  # a client that is too slow hears nothing more
        except (OSError, asyncio.IncompleteReadError):
            pass  # one that went away hears nothing
        finally:
            await _close(writer)
            tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_S):
                request = await _Reading(reader, writer).whole()
            caller = next(self._callers)
            answer = await self._ask(_written(*request, caller))
        except _Refused as refused:
            await _refuse(reader, writer, refused)
            return
        try:
            first = await answer[0].readuntil(END_OF_HEAD)
            writer.write(first)
            if EVENT_STREAM in first.lower():
                await self._hand_on_stream(caller, reader, answer, writer)
            else:
                await _hand_on(answer[0], writer)
        finally:
            answer[1].close()

    async def _hand_on_stream(
        self,
        caller: str,
        reader: asyncio.StreamReader,
        answer: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        writer: asyncio.StreamWriter,
    ) -> None:
        """Hand on until one side ends; that ends the other."""
        leaving = asyncio.ensure_future(_leave(reader))
        leaving.add_done_callback(lambda _: answer[1].transport.abort())
        try:
            await _hand_on(answer[0], writer)
        finally:
            leaving.cancel()
            self._left(caller)

    async def _ask(self, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            reader, writer = await asyncio.open_connection(*self._inside)
        except OSError:
            raise _Refused("draining") from None
        writer.write(request)
        return reader, writer


class _Refused(Exception):
    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class _Reading:
    """One request as it arrives."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._raw_bytes = 0

    async def whole(self) -> tuple[h11.Request, bytearray]:
        """Wait for all of it: head and body."""
        try:
            head = await self._next()
            if not isinstance(head, h11.Request):
                raise ConnectionError
            _check(head)
            return head, await self._body()
        except h11.RemoteProtocolError:
            raise _Refused("invalid_request", "the request is not well-formed HTTP") from None

    async def _body(self) -> bytearray:
        body = bytearray()
        self._raw_bytes = len(self._parser.trailing_data[0])
        for number in count(1):
            part = await self._next()
            if not isinstance(part, h11.Data):
                break
            body += part.data
            if len(body) > MAX_BODY_BYTES:
                raise _Refused("body_too_large")
            if number % PARTS_AT_ONCE == 0:
                await asyncio.sleep(0)  # who has sent it in small pieces is not alone
        return body

    async def _next(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            if self._parser.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                self._writer.write(self._parser.send(go_on) or b"")
            if self._raw_bytes > MAX_RAW_BODY_BYTES:
                most = f"a body has at most {MAX_RAW_BODY_BYTES} bytes with its chunks' heads"
                raise _Refused("body_too_large", f"{most}: send fewer and larger chunks")
            piece = await self._reader.read(PIECE_BYTES)
            self._raw_bytes += len(piece)
            self._parser.receive_data(piece)
        return event  # type: ignore[return-value]  # what is left is an event


def _check(head: h11.Request) -> None:
    if head.http_version not in {b"1.0", b"1.1"}:
        raise _Refused("invalid_request", "this version of HTTP is not known")
    if head.method not in METHODS:
        raise _Refused("method_not_allowed")
    size = len(head.target) + sum(len(name) + len(value) for name, value in head.headers)
    if len(head.headers) > MAX_HEADERS or size > MAX_HEAD_BYTES:
        most = f"{MAX_HEADERS} headers and {MAX_HEAD_BYTES} bytes of head"
        raise _Refused("invalid_request", f"a request has at most {most}")
    types = [value for name, value in head.headers if name == b"content-type"]
    if any(b"multipart" in value.lower() for value in types):
        raise _Refused("unsupported_media_type")


def _written(head: h11.Request, body: bytearray, caller: str) -> bytes:
    lines = [b"%b %b HTTP/1.1" % (head.method, head.target), *_headers(head), b"Connection: close"]
    lines.append(f"{CALLER}: {caller}".encode())
    has_body = {b"content-length", b"transfer-encoding"} & {name for name, _ in head.headers}
    if has_body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


def _headers(head: h11.Request) -> Iterator[bytes]:
    for name, value in head.headers:
        if name not in OF_CONNECTION and name != CALLER.encode():
            yield b"%b: %b" % (name, value)


async def _hand_on(answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (piece := await answer.read(PIECE_BYTES)) and not writer.is_closing():
        writer.write(piece)
        async with asyncio.timeout(TAKE_S):
            await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Wait until the client has taken the rest, for as long as for any piece."""
    writer.close()
    try:
        async with asyncio.timeout(TAKE_S):
            await writer.wait_closed()
    except OSError:  # gone, or a time-out
        writer.transport.abort()


async def _leave(reader: asyncio.StreamReader) -> None:
    """Wait until the caller has gone, or says no more: nobody needs to speak during a stream."""
    with suppress(OSError):
        while await reader.read(PIECE_BYTES):
            pass


async def _refuse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refused: _Refused
) -> None:
    problem = PROBLEMS[refused.code]
    body = problem.body(refused.message)
    head = (
        f"HTTP/1.1 {problem.status} {problem.title}\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n"
    )
    if problem.status == RETRY_STATUS:
        head += "Retry-After: 1\r\n"
    writer.write(head.encode() + b"\r\n" + body)
    await writer.drain()
    writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while await reader.read(PIECE_BYTES):
                pass
