"""The receiving end of sd_notify: our own processes say when they are ready and when they stop.

The same datagrams that systemd takes, so a process runs under either. Format: sd_notify(3).
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "NOTIFY_SOCKET"
READY = "READY=1"
STOPPING = "STOPPING=1"
LONGEST = 4096


class Notifications:
    """What one process has said since it was started."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`, in the place of what an earlier run left there."""
        self.path = path
        self.is_ready = False
        self.is_stopping = False
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(path))

    def read(self) -> None:
        """Take in what has come; never waits."""
        while True:
            try:
                lines = self._socket.recv(LONGEST).decode("utf-8", "replace").splitlines()
            except BlockingIOError:
                return
            self.is_ready = self.is_ready or READY in lines
            self.is_stopping = self.is_stopping or STOPPING in lines

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        self.path.unlink(missing_ok=True)
