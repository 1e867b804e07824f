"""A proxy between a client and Valkey that can cut a connection in the middle of a reply."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

PIECE_BYTES = 1 << 16


class CuttingProxy:
    """Listens on a loopback port and hands everything on to a Unix socket, in a thread.

    After `cut_after(word, replies)` the connection ends once a request that holds `word` has been
    handed on and so many bytes of the answer have passed: the server has executed it all.
    """

    def __init__(self, url: str) -> None:
        self._upstream = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._word: bytes | None = None
        self._reply_bytes = 0
        self._is_refusing = False
        self._open: set[socket.socket] = set()
        self.cuts = 0

    @property
    def url(self) -> str:
        """The address of the proxy, with the credentials of the server."""
        port = self._listener.getsockname()[1]
        user, password = self._upstream.username, self._upstream.password
        return f"redis://{user}:{password}@127.0.0.1:{port}"

    def cut_after(self, word: bytes, reply_bytes: int) -> None:
        """Cut the next connection that sends `word`, once."""
        self._word, self._reply_bytes = word, reply_bytes

    def refuse(self) -> None:
        """End every connection, and any that comes, until `admit`."""
        self._is_refusing = True
        for one in list(self._open):
            _shut(one)

    def admit(self) -> None:
        """Hand on again."""
        self._is_refusing = False

    def __enter__(self) -> Self:
        """Begin to listen."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; open connections end."""
        _shut(self._listener)
        self._listener.close()
        self.refuse()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_refusing:
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._upstream.path)
            self._open |= {client, server}
            state = _Connection(client, server)
            back = threading.Thread(target=self._answer, args=(state,), daemon=True)
            back.start()
            self._forward(state)
            _shut(server)
            back.join()
            self._open -= {client, server}

    def _forward(self, state: _Connection) -> None:
        with suppress(OSError):
            while piece := state.client.recv(PIECE_BYTES):
                if self._word is not None and self._word in piece:
                    self._word, state.is_cut = None, True
                    state.reply_room = self._reply_bytes
                state.server.sendall(piece)

    def _answer(self, state: _Connection) -> None:
        with suppress(OSError):
            while piece := state.server.recv(PIECE_BYTES):
                if state.is_cut and len(piece) >= state.reply_room:
                    state.client.sendall(piece[: state.reply_room])
                    self.cuts += 1
                    break
                state.client.sendall(piece)
        _shut(state.client)


class _Connection:
    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.is_cut = False
        self.reply_room = 0


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
