"""Tells whoever started this process how it fares, by systemd's datagram protocol.

The supervisor of `ingest up` listens in the same way as systemd does: see sd_notify(3).
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress

SOCKET_VARIABLE = "NOTIFY_SOCKET"
READY = b"READY=1\n"
STOPPING = b"STOPPING=1\n"
ALIVE = b"WATCHDOG=1\n"
# Whoever has said that it is alive goes on saying so; silent for six of these, it is replaced.
BEAT_S = 5.0
SILENT_S = 30.0


def notify(state: bytes) -> None:
    """Send a state; nothing happens where nobody asked for it or nobody listens any more.

    Never waits: a listener that is frozen must not freeze who speaks to it.
    """
    path = os.environ.get(SOCKET_VARIABLE)
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.sendto(state, address)
