"""A consumer's private port: its numbers and whether it does its work, for admin and health checks.

Like a worker's: nobody is answered who does not bring the edge's secret. Small and bounded: a few
threads, one request a connection, short time-outs. On loopback unless told otherwise.
"""

from __future__ import annotations

import hmac
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self

from ingest import listener, readout
from ingest.errors import SettingsError
from ingest.problems import CONTENT_TYPE, PROBLEMS

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ingest.settings import Settings

HOST = "127.0.0.1"
MAX_REQUESTS = 8
TIMEOUT_S = 5.0


class Address(NamedTuple):
    """Where to listen, and the secret that is asked for."""

    host: str
    port: int
    secret: str

    @classmethod
    def of(cls, settings: Settings, host: str, port: int) -> Self:
        """Take the secret from the settings; SettingsError when there is none."""
        if settings.edge_secret is None:
            raise SettingsError("edge_secret: a consumer that listens needs it")
        return cls(host, port, settings.edge_secret.get_secret_value())


class PrivatePort(ThreadingHTTPServer):
    """A context that listens; `fault` says why the consumer does not do its work, or nothing."""

    daemon_threads = True
    # The supervisor holds the port meanwhile, as it does a worker's.
    allow_reuse_port = True

    def __init__(self, address: Address, fault: Callable[[], str]) -> None:
        listener.check_free(address.host, address.port)
        self.secret = address.secret
        self.fault = fault
        self._free = threading.BoundedSemaphore(MAX_REQUESTS)
        super().__init__((address.host, address.port), _Handler)

    def __enter__(self) -> Self:
        """Answer in threads of its own."""
        threading.Thread(target=self.serve_forever, name="private port", daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        """Give a connection a thread; above the bound it is closed."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(
        self,
        request: socket.socket,  # type: ignore[override]
        client_address: tuple[str, int],
    ) -> None:
        """Answer one request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away."""


class _Handler(BaseHTTPRequestHandler):
    timeout = TIMEOUT_S
    server: PrivatePort

    def do_GET(self) -> None:
        given = self.headers.get("X-Ingest-Edge", "").encode()
        if not hmac.compare_digest(given, self.server.secret.encode()):
            self._refuse("forbidden")
        elif self.path == "/-/metrics":
            self._answer(200, readout.encode(readout.own(self.server.fault())))
        elif self.path == "/-/ready":
            self._ready()
        else:
            self._refuse("not_found")

    def _ready(self) -> None:
        fault = self.server.fault()
        if fault:
            self._refuse("not_consuming", fault)
        else:
            self._answer(200, b'{"status":"ok"}')

    def _refuse(self, code: str, message: str = "") -> None:
        problem = PROBLEMS[code]
        self._answer(problem.status, problem.body(message), CONTENT_TYPE)

    def _answer(self, status: int, body: bytes, media: str = readout.CONTENT_TYPE) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Say nothing of the software."""
        return "ingest"

    def log_message(self, *_arguments: object) -> None:
        """Log nothing: admin asks once a second."""
