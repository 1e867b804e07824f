"""An empty Valkey with its shards made, as the tests of the stream want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ingest.stream import shards
from ingest.stream.connection import connect

from tests.unit.stream.rig import SHARDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis

CONFIGURATION = {
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory": str(1 << 30),
    "maxmemory-policy": "noeviction",
}


@pytest.fixture
def server(valkey: EmbeddedValkey) -> Iterator[Redis]:
    """An operator's client of an empty server with all shards; its settings are put back."""
    with connect(valkey.url, name="test") as client:
        client.flushall()
        for shard in range(SHARDS):
            shards.create(client, shard, "0-0")
        yield client
        for name, value in CONFIGURATION.items():
            client.config_set(name, value)
