"""Many clients that send one request again and again and never heed a refusal: an overload.

Each waits for its answer and a pause; answers are counted, and timed by their code.
"""

from __future__ import annotations

import asyncio
import math
import re
import threading
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tests.running import Running

PATIENCE_S = 20.0
HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
CODE = re.compile(rb'"code":"([a-z_]+)"')


class Client(asyncio.Protocol):
    """One connection; it is opened again when it ends."""

    def __init__(self, flood: Flood) -> None:
        """Send what `flood` says."""
        self._flood = flood
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take an answer when it is whole."""
        self._received += data
        head, end, body = self._received.partition(HEAD_END)
        length = LENGTH.search(head)
        if end and length and len(body) >= int(length[1]):
            self._flood.note(head, body, time.monotonic() - self._sent_at)
            self._received, self._sent_at = b"", 0.0
            asyncio.get_running_loop().call_later(self._flood.pause_s, self._send)

    def connection_lost(self, _error: Exception | None) -> None:
        """Come back."""
        if self._sent_at:
            self._flood.answers["lost"] += 1
            if not self._flood.is_over:
                self._flood.connect_soon()

    def _send(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._flood.is_over:
            self._transport.close()
            return
        self._sent_at = time.monotonic()
        self._flood.sent += 1
        self._transport.write(self._flood.request)


class Flood(threading.Thread):
    """So many clients, until the context ends."""

    def __init__(self, running: Running, body: bytes, clients: int, pause_s: float = 0.0) -> None:
        """Post `body` to the native route."""
        super().__init__(name="flood")
        head = (
            "POST /v1/events HTTP/1.1",
            "Host: localhost",
            f"X-Api-Key: {running.run.api_key}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        )
        self.request = "\r\n".join((*head, "", "")).encode() + body
        self.pause_s = pause_s
        self.is_over = False
        self.sent = 0
        self.answers: Counter[str] = Counter()
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.without_retry_after = 0
        self._port = running.port
        self._clients = clients
        self._ended_at = math.inf
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        """Begin."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Let each client have its last answer, or hang up after a while."""
        self._ended_at = time.monotonic()
        self.is_over = True
        self.join()

    def run(self) -> None:
        """Drive all clients from one event loop."""
        self._loop.run_until_complete(self._main())
        self._loop.close()

    def note(self, head: bytes, body: bytes, seconds: float) -> None:
        """Count one answer."""
        status = head[9:12].decode()
        found = CODE.search(body)
        code = found[1].decode() if found else status
        self.answers[code] += 1
        self.seconds[code].append(seconds)
        if status == "503" and b"retry-after: " not in head.lower():
            self.without_retry_after += 1

    def connect_soon(self) -> None:
        """Open another connection."""
        task = self._loop.create_task(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def percentile(self, code: str, share: float) -> float:
        """Give the seconds within which this share of a code's answers came."""
        ordered = sorted(self.seconds[code])
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def tells(self) -> dict[str, str]:
        """Say how long each kind of answer took."""
        return {
            code: f"{count} times, p50 {self.percentile(code, 0.5):.2f} s,"
            f" p99 {self.percentile(code, 0.99):.2f} s"
            for code, count in self.answers.items()
            if self.seconds[code]
        }

    async def _main(self) -> None:
        for _ in range(self._clients):
            await self._connect()
        while not self.is_over or self._is_waiting():  # noqa: ASYNC110 - another thread ends it
            await asyncio.sleep(0.05)
        await asyncio.sleep(2 * self.pause_s)  # each sees that it is over and hangs up

    def _is_waiting(self) -> bool:
        """Tell whether an answer may still come."""
        is_late = time.monotonic() > self._ended_at + PATIENCE_S
        return self.sent > sum(self.answers.values()) and not is_late

    async def _connect(self) -> None:
        try:
            await self._loop.create_connection(lambda: Client(self), "127.0.0.1", self._port)
        except OSError:
            self.answers["refused"] += 1
