"""The link forwards, and is as bad as it is told to be."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.crash.link import Link, Weather

TIMEOUT_S = 5.0


@pytest.fixture
def link(base: Path) -> Iterator[Link]:
    """Give a link to a server that answers with what it is sent."""
    path = base / "echo.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        link = Link(path)
        yield link
        link.close()
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection, suppress(OSError):
        while data := connection.recv(1024):
            connection.sendall(data)


def connected(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), TIMEOUT_S)


def test_it_forwards_both_ways(link: Link) -> None:
    with connected(link) as client:
        client.sendall(b"one")
        assert client.recv(10) == b"one"


def test_it_is_slow(link: Link) -> None:
    link.weather = Weather(delay_s=0.1)
    with connected(link) as client:
        began = time.monotonic()
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        assert time.monotonic() - began >= 0.2


def test_it_is_silent_and_then_delivers(link: Link) -> None:
    link.weather = Weather(is_silent=True)
    with connected(link) as client:
        client.sendall(b"one")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(10)
        link.weather = Weather()
        client.settimeout(TIMEOUT_S)
        assert client.recv(10) == b"one"


def test_it_cuts_within_a_piece(link: Link) -> None:
    link.weather = Weather(cut_chance=1.0)
    with connected(link) as client:
        client.sendall(b"0123456789")
        assert len(read_all(client)) < 10


def test_it_breaks_connections_off_and_refuses_new_ones(link: Link) -> None:
    with connected(link) as client:
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        link.weather = Weather(is_closed=True)
        link.cut()
        assert read_all(client) == b""
    with connected(link) as client:
        assert read_all(client) == b""


def read_all(client: socket.socket) -> bytes:
    data = b""
    with suppress(ConnectionResetError):
        while piece := client.recv(1024):
            data += piece
    return data
