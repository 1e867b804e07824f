"""The listening socket of a process whose HTTP library keeps it to itself."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from ingest.errors import NeedsPerson

LOOPBACK = "127.0.0.1"


def check_free(host: str, port: int) -> None:
    """Refuse a port in use: with SO_REUSEPORT two servers would share its connections."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NeedsPerson(f"{host}:{port} can't be listened on: {error.strerror}") from error


class Reservation:
    """A free loopback port, held while this object lives.

    The socket is bound and does not listen, so nobody is given the port, and a server of the same
    user that asks for SO_REUSEPORT, as Robyn does, may listen on it.
    """

    def __init__(self) -> None:
        """Let the system choose."""
        self._socket = socket.socket()
        # The first for a probe of the port, the second for the server itself.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind((LOOPBACK, 0))
        self.port: int = self._socket.getsockname()[1]

    def release(self) -> None:
        """Let the port go."""
        self._socket.close()


def shut(address: tuple[str, int]) -> None:
    """Stop listening: Robyn keeps copies of the socket, so each of them is shut, not closed."""
    for entry in Path("/dev/fd").iterdir():
        with suppress(OSError):
            duplicate = socket.socket(fileno=os.dup(int(entry.name)))
            with duplicate:
                if duplicate.getsockname()[:2] == address and _listens(duplicate):
                    duplicate.shutdown(socket.SHUT_RDWR)


def _listens(candidate: socket.socket) -> bool:
    return bool(candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
