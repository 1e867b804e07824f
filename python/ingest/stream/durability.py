"""What a 202 may promise: read from Valkey itself, never assumed.

`fsync` is said only while every append is on disk before its reply: the append-only file is on,
synced always, and synced too while it is being rewritten. Whatever can't be read is `memory`.
Nothing is promised while the server may evict what nobody has read.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import redis

from ingest.stream.command import command

if TYPE_CHECKING:
    from ingest.stream.replies import Reply

NEEDED = {
    b"appendonly": b"yes",
    b"appendfsync": b"always",
    b"no-appendfsync-on-rewrite": b"no",
}
POLICY, SAFE_POLICY = b"maxmemory-policy", b"noeviction"
READ = command(b"CONFIG", b"GET", *NEEDED, POLICY)


class AckLevel(StrEnum):
    """Where an acknowledged event is, as told in the header Ingest-Ack."""

    FSYNC = "fsync"
    MEMORY = "memory"


def of(client: redis.Redis) -> AckLevel:
    """Ask over a synchronous client, whose errors come through.

    A server that answers and keeps its settings to itself is judged like any that can't be read.
    """
    try:
        found = client.config_get(*NEEDED)
    except redis.ResponseError:
        return AckLevel.MEMORY
    return level([_bytes(text) for pair in found.items() for text in pair])


def level(reply: Reply) -> AckLevel:
    """Judge the reply to READ: names and values by turns."""
    found = _pairs(reply)
    is_kept = all(found.get(name) == value for name, value in NEEDED.items())
    return AckLevel.FSYNC if is_kept else AckLevel.MEMORY


def evicts(reply: Reply) -> bool:
    """Tell whether the reply to READ names a policy that evicts; False when it names none."""
    return _pairs(reply).get(POLICY, SAFE_POLICY) != SAFE_POLICY


def _pairs(reply: Reply) -> dict[Reply, Reply]:
    if not isinstance(reply, list):
        return {}
    return dict(zip(reply[::2], reply[1::2], strict=False))


def _bytes(text: object) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode()
