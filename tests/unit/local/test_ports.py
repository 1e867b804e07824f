"""Ports: taken ones are told, reserved ones are not given to others."""

from __future__ import annotations

import re
import socket

import pytest
from ingest.errors import SettingsError
from ingest.local import ports


def test_a_taken_port_is_told_with_its_flag() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} .* is taken: .* --port"):
            ports.check_free(ports.LOOPBACK, port, "--port")
    ports.check_free(ports.LOOPBACK, port, "--port")


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(SettingsError, match=re.escape("192.0.2.1")):
        ports.check_free("192.0.2.1", 8080, "--host")


def test_a_reserved_port_can_be_listened_on_by_its_owner_alone() -> None:
    reserved = ports.Reservation()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind((ports.LOOPBACK, reserved.port))
    with socket.socket() as owner:
        owner.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        owner.bind((ports.LOOPBACK, reserved.port))
        owner.listen()
        with socket.create_connection((ports.LOOPBACK, reserved.port), 1):
            owner.accept()[0].close()
    reserved.release()
