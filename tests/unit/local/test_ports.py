"""Ports: taken ones are told."""

from __future__ import annotations

import re
import socket

import pytest
from ingest.errors import SettingsError
from ingest.listener import LOOPBACK
from ingest.local import ports


def test_a_taken_port_is_told_with_its_flag() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} .* is taken: .* --port"):
            ports.check_free(LOOPBACK, port, "--port")
    ports.check_free(LOOPBACK, port, "--port")


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(SettingsError, match=re.escape("192.0.2.1")):
        ports.check_free("192.0.2.1", 8080, "--host")
