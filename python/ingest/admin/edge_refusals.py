"""Counts what the edge refuses by itself, which no worker sees: it says so in one datagram each.

    <190>Jan  1 00:00:00 edge: TOKEN CODE      to admin's port, over UDP

The token is derived from the edge's secret; without it a datagram counts nothing. Datagrams may be
lost in a flood or while this process is away, so a count is the least that was refused.
"""

from __future__ import annotations

import hmac
import socket
import threading

from ingest import edge_token, log, metrics
from ingest.problems import EDGE_CODES

NOT_COUNTED = "what the edge refuses is not counted"
OTHER = "other"  # an edge of another version may know more codes
MAX_BYTES = 1024
RETRY_S = 2.0
# Some thousands of datagrams: a flood fills it while the sampler has the interpreter.
WAITING_BYTES = 4 << 20


class EdgeRefusals:
    """One thread that reads the socket; without a secret nobody is believed, so it is not begun."""

    def __init__(self, secret: str, host: str, port: int) -> None:
        self._token = edge_token.of(secret).encode() if secret else b""
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._stopped = threading.Event()
        self._fault = ""

    @property
    def warning(self) -> str:
        """Say why nothing is counted now; empty while it is."""
        return f"{NOT_COUNTED}: {self._fault}" if self._fault else ""

    def start(self) -> None:
        """Begin to count; when the port is in use, say so and try again."""
        if self._token:
            threading.Thread(target=self._run, name="edge", daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._stopped.set()
        if self._socket is not None:
            self._socket.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._socket = self._listen()
            except OSError as error:
                told = f"UDP port {self._address[1]}: {error.strerror}"
                self._fail(f"{told}; end what has it, or choose another admin_port")
                self._stopped.wait(RETRY_S)
            else:
                self._fault = ""
                self._hear(self._socket)

    def _fail(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            log.get(__name__).warning(NOT_COUNTED, error=fault)

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_DGRAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WAITING_BYTES)
            listening.bind(self._address)
        except OSError:
            listening.close()
            raise
        return listening

    def _hear(self, listening: socket.socket) -> None:
        while listening.fileno() >= 0:
            try:
                code = told(listening.recv(MAX_BYTES), self._token)
            except OSError:  # closed, or an error of an earlier answer, which we never send
                continue
            if code is not None:
                metrics.REFUSED.counts[code,] += 1


def told(datagram: bytes, token: bytes) -> str | None:
    """Read the code; None when it is not from the edge."""
    words = datagram.rsplit(b" ", 2)
    if len(words) != 3 or not hmac.compare_digest(words[1], token):  # noqa: PLR2004
        return None
    code = words[2].decode("ascii", "replace")
    return code if code in EDGE_CODES else OTHER
