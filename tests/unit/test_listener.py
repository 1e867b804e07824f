"""A listening socket: a port that is reserved is not given to others."""

from __future__ import annotations

import socket

import pytest
from ingest import listener


def test_a_reserved_port_can_be_listened_on_by_its_owner_alone() -> None:
    reserved = listener.Reservation()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind((listener.LOOPBACK, reserved.port))
    with socket.socket() as owner:
        owner.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        owner.bind((listener.LOOPBACK, reserved.port))
        owner.listen()
        with socket.create_connection((listener.LOOPBACK, reserved.port), 1):
            owner.accept()[0].close()
    reserved.release()
