"""What an operator asks of Valkey: how it is set up and how much waits in it. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis

from ingest.errors import NeedsPerson, Retryable
from ingest.plural import counted
from ingest.stream.connection import connect
from ingest.stream.shards import COUNT_KEY, stream_key

if TYPE_CHECKING:
    from collections.abc import Mapping

# An acknowledged event must be on disk, and must never be evicted.
NEEDED = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}


@dataclass(frozen=True)
class Survey:
    """One server at one moment; a shard that is not there yet is not in the mappings."""

    version: str
    config: Mapping[str, str]
    shards: int | None
    entries: Mapping[int, int]
    last_ids: Mapping[int, str]
    memory_bytes: int

    def faults(self, shards: int) -> list[str]:
        """Say what keeps a promise from being kept; empty when nothing does."""
        found = faults_of(self.config)
        if self.shards is not None and self.shards != shards:
            held = counted(self.shards, "shard")
            found.append(f"Valkey holds {held} and the setting says {shards}")
        return found

    def lag(self, positions: Mapping[int, str]) -> int:
        """Count entries that are not stored yet; at most a node's 100 too many a shard."""
        return sum(
            length
            for shard, length in self.entries.items()
            if self.last_ids[shard] != positions.get(shard)
        )


def faults_of(config: Mapping[str, str]) -> list[str]:
    """Say which settings keep a promise from being kept."""
    found = [
        f"Valkey: {name} is {config.get(name)!r}, it must be {value!r}"
        for name, value in NEEDED.items()
        if config.get(name) != value
    ]
    if config.get("maxmemory") == "0":
        found.append("Valkey: maxmemory is 0: the machine's memory is the limit")
    return found


def survey(url: str, shards: int) -> Survey:
    """Ask a server over a connection of its own. Raises Retryable or NeedsPerson."""
    with connect(url, name="ingest-survey") as client:
        try:
            return _survey(client, shards)
        except redis.AuthenticationError as error:
            raise NeedsPerson(f"Valkey refuses the connection: {error}") from error
        except redis.RedisError as error:
            raise Retryable(f"Valkey can't be reached: {error}") from error


def _survey(client: redis.Redis, shards: int) -> Survey:
    config: Any = client.config_get(*NEEDED, "maxmemory")
    info: Any = client.info()
    count: Any = client.get(COUNT_KEY)
    numbers = range(shards if count is None else int(count))
    streams = {shard: _stream(client, shard) for shard in numbers}
    present = {shard: stream for shard, stream in streams.items() if stream is not None}
    return Survey(
        version=str(info.get("valkey_version", info["redis_version"])),
        config=config,
        shards=None if count is None else int(count),
        entries={shard: int(stream["length"]) for shard, stream in present.items()},
        last_ids={shard: _text(stream["last-generated-id"]) for shard, stream in present.items()},
        memory_bytes=int(info["used_memory"]),
    )


def _stream(client: redis.Redis, shard: int) -> Any:
    key = stream_key(shard)
    return client.xinfo_stream(key) if client.exists(key) else None


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
