"""Tells whoever started this process how it fares, by systemd's datagram protocol.

The supervisor of `ingest up` listens in the same way as systemd does: see sd_notify(3).
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.errors import NeedsPerson

SOCKET_VARIABLE = "NOTIFY_SOCKET"
READY = b"READY=1\nSTATUS=\n"
STOPPING = b"STOPPING=1\n"
ALIVE = b"WATCHDOG=1\n"
# Whoever has said that it is alive goes on saying so; silent for six of these, it is replaced.
BEAT_S = 5.0
SILENT_S = 30.0


def needs_person(error: NeedsPerson) -> bytes:
    """Make the state of a process that is not ready until a person acts; it goes on trying.

    systemd shows the text as the unit's status; `ingest up` gives up its start and shows it.
    """
    return f"STATUS={' '.join(str(error).split())}\nX_INGEST_NEEDS_PERSON=1\n".encode()


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
