"""Clients that misbehave: slow, cut off, malformed, idle. None of what they send may be stored."""

from __future__ import annotations

import json
import socket
import struct
import threading
from abc import abstractmethod
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from bench.crash.faults.fault import Fault
from bench.crash.marker import PROPERTY

if TYPE_CHECKING:
    import random

    from bench.crash.stack import Stack

PATH = "/v1/events"
TIMEOUT_S = 5.0
#: Reset instead of an orderly end.
RESET = struct.pack("ii", 1, 0)


class Misbehaviour(Fault):
    """A few threads that misbehave again and again until the end."""

    hold_s = (2.0, 6.0)
    is_unnoticed = True
    threads: ClassVar[int] = 4

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.is_over = threading.Event()

    def inject(self, stack: Stack) -> None:
        """Begin."""
        parts = urlsplit(stack.run.url)
        self.address = (str(parts.hostname), parts.port or 80)
        self.api_key = stack.run.api_key
        self._running = [threading.Thread(target=self._run) for _ in range(self.threads)]
        for thread in self._running:
            thread.start()

    def heal(self, stack: Stack) -> None:  # noqa: ARG002
        """Let each thread finish."""
        self.is_over.set()
        for thread in self._running:
            thread.join()

    @abstractmethod
    def once(self) -> None:
        """Misbehave on one connection. OSError is what a bad client gets."""

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(self.address, TIMEOUT_S)

    def body(self) -> bytes:
        """Make a valid request that must never arrive."""
        event = {
            "event_type": "page_view",
            "timestamp": datetime.now(UTC).isoformat(),
            "properties": {PROPERTY: f"never, by {self.name}"},
        }
        return json.dumps([event] * 100).encode()

    def head(self, framing: str) -> bytes:
        """Make a request's head, framed by this header line."""
        lines = (
            f"POST {PATH} HTTP/1.1",
            "Host: localhost",
            f"X-Api-Key: {self.api_key}",
            "Content-Type: application/json",
            framing,
        )
        return "\r\n".join((*lines, "", "")).encode()

    def _run(self) -> None:
        while not self.is_over.wait(0.01):
            with suppress(OSError):
                self.once()


class SlowClients(Misbehaviour):
    """Heads and bodies that come a byte at a time."""

    name, threads = "slow clients", 40

    def once(self) -> None:
        """Drip until the end, then leave."""
        body = self.body()
        with self.connect() as connection:
            for byte in self.head(f"Content-Length: {len(body)}") + body:
                connection.sendall(bytes([byte]))
                if self.is_over.wait(0.02):
                    return


class AbortedUploads(Misbehaviour):
    """Half a body, then a reset."""

    name = "aborted uploads"

    def once(self) -> None:
        """Send half of it and reset."""
        body = self.body()
        with self.connect() as connection:
            connection.sendall(self.head(f"Content-Length: {len(body)}") + body[: len(body) // 2])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


class HalfClosed(Misbehaviour):
    """Half a body, then the sending side closed: what came must not pass for the whole."""

    name = "half-closed uploads"

    def once(self) -> None:
        """Cut the body behind a whole event, so that only its length tells."""
        body = self.body()
        whole = body[: body.index(b"}, {") + 1] + b"]"
        with self.connect() as connection:
            connection.sendall(self.head(f"Content-Length: {len(body)}") + whole)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(4096)


class MalformedChunks(Misbehaviour):
    """Chunks with sizes that are none, or too long, or two framings at once."""

    name = "malformed chunks"
    sizes: ClassVar = (b"zz", b"-5", b"ffffffffffffffffff", b"10000000000000001", b"")

    def once(self) -> None:
        """Send one whole chunk, then a bad one."""
        body = self.body()
        with self.connect() as connection:
            connection.sendall(self.head(self.framing(len(body))))
            connection.sendall(b"%x\r\n%b\r\n" % (len(body), body))
            connection.sendall(self.rng.choice(self.sizes) + b"\r\n" + body)
            connection.recv(4096)

    def framing(self, length: int) -> str:
        """Say the length as well, half of the time."""
        chunked = "Transfer-Encoding: chunked"
        return f"{chunked}\r\nContent-Length: {length}" if self.rng.random() < 0.5 else chunked


class IdleConnections(Misbehaviour):
    """Many connections on which nothing comes."""

    name, threads = "idle connections", 1
    count: ClassVar = 2000

    def once(self) -> None:
        """Hold them until the end."""
        with ExitStack() as held:
            for _ in range(self.count):
                held.enter_context(self.connect())
            self.is_over.wait()


FAULTS = (SlowClients, AbortedUploads, HalfClosed, MalformedChunks, IdleConnections)
