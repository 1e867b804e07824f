"""Ports: whether those that a person chose are free."""

from __future__ import annotations

import errno
import socket

from ingest.errors import SettingsError


def check_free(host: str, port: int, flag: str) -> None:
    """Raise SettingsError that names the port and its flag when it can't be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise SettingsError(_told(error, host, port, flag)) from None


def _told(error: OSError, host: str, port: int, flag: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken: choose another with {flag}"
    if error.errno == errno.EACCES:
        return f"port {port} needs root: choose one above 1023 with {flag}"
    return f"can't listen on {host}:{port} ({flag}): {error.strerror}"
