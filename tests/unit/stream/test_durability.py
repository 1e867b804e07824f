"""What may be promised, from what Valkey says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ingest.stream import durability
from ingest.stream.connection import connect
from ingest.stream.durability import NEEDED, AckLevel
from ingest.stream.replies import ErrorReply

if TYPE_CHECKING:
    from ingest.local.valkey import EmbeddedValkey
    from ingest.stream.replies import Reply
    from redis import Redis

ALL = [text for pair in NEEDED.items() for text in pair]


def test_fsync_only_with_everything_that_it_takes() -> None:
    assert durability.level(list(ALL)) is AckLevel.FSYNC
    for index in range(1, len(ALL), 2):
        reply: list[Reply] = list(ALL)
        reply[index] = b"something else"
        assert durability.level(reply) is AckLevel.MEMORY


@pytest.mark.parametrize("reply", [None, [], ALL[:2], b"yes", ErrorReply("NOPERM", "...")])
def test_what_cannot_be_read_is_memory(reply: object) -> None:
    assert durability.level(reply) is AckLevel.MEMORY  # type: ignore[arg-type]


def test_a_server_is_asked(server: Redis, valkey: EmbeddedValkey) -> None:
    with connect(valkey.worker_url, name="test") as client:
        assert durability.of(client) is AckLevel.FSYNC
        server.config_set("appendfsync", "everysec")
        assert durability.of(client) is AckLevel.MEMORY
