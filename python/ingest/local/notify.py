"""The receiving end of sd_notify: our own processes say that they are ready, alive, or stopping.

The same datagrams that systemd takes, so a process runs under either. Format: sd_notify(3).
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "NOTIFY_SOCKET"
READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"
STATUS = "STATUS="
NEEDS_PERSON = "X_INGEST_NEEDS_PERSON=1"
LONGEST = 4096


class Notifications:
    """What one process has said since it was started."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`, in the place of what an earlier run left there."""
        self.path = path
        self.is_ready = False
        self.is_stopping = False
        self._alive_at: float | None = None
        self.person_needed = ""
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(path))

    @property
    def silent_s(self) -> float:
        """Say how long it has been silent that has said that it is alive; 0 for any other."""
        return 0.0 if self._alive_at is None else time.monotonic() - self._alive_at

    def read(self) -> None:
        """Take in what has come; never waits."""
        while True:
            try:
                lines = self._socket.recv(LONGEST).decode("utf-8", "replace").splitlines()
            except BlockingIOError:
                return
            self.is_ready = self.is_ready or READY in lines
            self.is_stopping = self.is_stopping or STOPPING in lines
            if ALIVE in lines:
                self._alive_at = time.monotonic()
            if NEEDS_PERSON in lines:
                told = (line.removeprefix(STATUS) for line in lines if line.startswith(STATUS))
                self.person_needed = next(told, "")

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        self.path.unlink(missing_ok=True)
