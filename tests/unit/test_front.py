"""The small edge in front of a server that answers as a test needs it, and bad clients."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import psutil
import pytest
from ingest import front
from ingest.front import Front

from tests.running import free_port
from tests.unit.loop import in_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

HOST = "127.0.0.1"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SOON_S = 10.0


@asynccontextmanager
async def fronted(answer: Callable[[], bytes]) -> AsyncIterator[int]:
    """Give the port of a front whose server answers each request with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(front.END_OF_HEAD)
        # With a body unread the close would be a reset, which may overtake the answer.
        length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        writer.write(answer())
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    inside, port = server.sockets[0].getsockname(), free_port()
    edge = Front(inside, lambda _: None)
    await edge.listen(HOST, port)
    try:
        yield port
    finally:
        edge.close()
        server.close()
        await soon(lambda: not connections(port) + connections(inside[1]))


async def connect(port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, (HOST, port))
    return client


def connections(port: int) -> int:
    found = psutil.Process().net_connections("tcp")
    return sum(bool(one.raddr) and one.laddr.port == port for one in found)


@in_loop
async def test_clients_who_take_no_answer_keep_no_descriptor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Answers of many lengths: some end while the last piece waits, which nothing else bounds."""
    monkeypatch.setattr(front, "TAKE_S", 0.5)
    lengths = list(range(0, 6 << 20, 60 << 10))
    wanted = len(lengths)
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    with ExitStack() as held:
        async with fronted(lambda: head + bytes(lengths.pop())) as port:
            for _ in range(wanted):
                held.enter_context(await connect(port)).send(REQUEST)
            await soon(lambda: not lengths)
            await soon(lambda: not connections(port))


@in_loop
async def test_a_body_in_small_chunks_leaves_the_event_loop_to_others() -> None:
    chunks = b"1\r\nx\r\n" * (front.MAX_RAW_BODY_BYTES // 6) + b"0\r\n\r\n"
    request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with fronted(lambda: answer) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(request)
        reading = asyncio.ensure_future(reader.read())
        turns = 0
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
        writer.close()
    assert await reading == answer
    assert turns > len(chunks) // 6 // front.PARTS_AT_ONCE


async def soon(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not is_true():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)
