"""What admin asks Valkey about once a second: settings, memory, and what waits in the stream.

Nothing is changed. Three round trips on a connection that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis

from ingest.stream import durability, server_state
from ingest.stream.connection import connect
from ingest.stream.durability import AckLevel
from ingest.stream.read import translated
from ingest.stream.shards import accepted_key, counted_key, stream_key
from ingest.stream.survey import NEEDED, faults_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.stream.server_state import ServerState

TIMEOUT_S = 2.0
# Committed entries stay until the next trim, 0.2 s and a node of at most 4 KiB: so many are told
# apart from those that wait. Looking at more would copy more inside the server.
BEHIND = 100
# Adding up so many counters keeps the server busy for 4 ms; above it events are not counted.
MAX_COUNTERS = 10_000
# For each shard: entries there, those up to the position (at most BEHIND), the first one after it,
# the last id, and since when counters are whole.
_WAITING = f"""#!lua flags=no-writes
local found = {{}}
for i = 1, #KEYS, 2 do
    local stream, position = KEYS[i], ARGV[(i + 1) / 2]
    local length, behind, first, last = redis.call('XLEN', stream), 0, '', ''
    if length > 0 then
        behind = #redis.call('XRANGE', stream, '-', position, 'COUNT', {BEHIND})
        local entries = redis.call('XRANGE', stream, '(' .. position, '+', 'COUNT', 1)
        if entries[1] then first = entries[1][1] end
    end
    if redis.call('EXISTS', stream) == 1 then
        local told = redis.call('XINFO', 'STREAM', stream)
        for j = 1, #told, 2 do
            if told[j] == 'last-generated-id' then last = told[j + 1] end
        end
    end
    local since = redis.call('HGET', KEYS[i + 1], 'since_ms') or ''
    table.insert(found, {{length, behind, first, last, since}})
end
return found
"""
_ACCEPTED = f"""#!lua flags=no-writes
local sum, oldest = 0, 0
for _, key in ipairs(KEYS) do
    if redis.call('HLEN', key) > {MAX_COUNTERS} then return false end
    local fields = redis.call('HGETALL', key)
    for i = 1, #fields, 2 do
        local hour = tonumber(string.match(fields[i], ':(%d+)$'))
        if hour and (oldest == 0 or hour < oldest) then oldest = hour end
        sum = sum + tonumber(fields[i + 1])
    end
end
return {{sum, oldest}}
"""


@dataclass(frozen=True, slots=True)
class ShardLook:
    """One shard. `waiting` entries are not committed; `first_ms` is the oldest one's time.

    `is_behind_position`: it ends before its position, so it lost entries (restored or replaced).
    """

    waiting: int
    first_ms: int | None
    is_behind_position: bool
    counted_since_ms: int | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What workers counted in Valkey: events, and the unix hour of the oldest count."""

    events: int
    oldest_hour: int


@dataclass(frozen=True, slots=True)
class ServerUse:
    """What the server's process uses."""

    pid: int
    cpu_s: float
    memory_bytes: int
    uptime_s: float


@dataclass(frozen=True, slots=True)
class StreamLook:
    """Valkey at one moment; `faults` are its settings that break a promise."""

    state: ServerState
    faults: list[str]
    shards: Mapping[int, ShardLook]
    use: ServerUse

    @property
    def waiting(self) -> int:
        """Entries that are not committed, in all shards."""
        return sum(shard.waiting for shard in self.shards.values())

    @property
    def oldest_s(self) -> float:
        """Age of the oldest of them by Valkey's clock; 0 when there is none."""
        times = [shard.first_ms for shard in self.shards.values() if shard.first_ms is not None]
        if not times or self.state.now_ms is None:
            return 0.0
        return max(0.0, (self.state.now_ms - min(times)) / 1000)


class StreamWatch:
    """A connection that is opened again when it is lost. Raises Retryable or NeedsPerson."""

    def __init__(self, url: str) -> None:
        self._client = connect(url, name="ingest-admin", timeout_s=TIMEOUT_S)

    def look(self, positions: Mapping[int, str]) -> StreamLook:
        """Look at the server, and at the shards behind these positions."""
        with translated():
            level, faults = self._settings()
            info: Any = self._client.info()
            shards = self._shards(positions)
        return StreamLook(server_state.of(level, info), faults, shards, _use(info))

    def accepted(self, shards: int) -> Accepted | None:
        """Add up the counters; None when there are too many."""
        with translated():
            keys = [accepted_key(shard) for shard in range(shards)]
            reply: Any = self._client.eval(_ACCEPTED, len(keys), *keys)
        return None if reply is None else Accepted(*reply)

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _settings(self) -> tuple[AckLevel, list[str]]:
        try:
            config: Any = self._client.config_get(*NEEDED, "maxmemory")
        except redis.ResponseError as error:
            return AckLevel.MEMORY, [f"Valkey: its settings can't be read: {error}"]
        told = [str(text).encode() for name in durability.NEEDED for text in _pair(config, name)]
        return durability.level(list(told)), faults_of(config)

    def _shards(self, positions: Mapping[int, str]) -> dict[int, ShardLook]:
        if not positions:
            return {}
        keys = [key for shard in positions for key in (stream_key(shard), counted_key(shard))]
        reply: Any = self._client.eval(_WAITING, len(keys), *keys, *positions.values())
        return {
            shard: _shard(position, told)
            for (shard, position), told in zip(positions.items(), reply, strict=True)
        }


def _pair(config: Mapping[str, str], name: bytes) -> tuple[str, str]:
    return name.decode(), config.get(name.decode(), "")


def _shard(position: str, told: list[Any]) -> ShardLook:
    length, behind, first, last, since = told
    return ShardLook(
        waiting=length - behind if first else 0,
        first_ms=_number(first)[0] if first else None,
        is_behind_position=bool(last) and _number(last) < _number(position),
        counted_since_ms=int(since) if since else None,
    )


def _number(entry_id: bytes | str) -> tuple[int, int]:
    text = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    milliseconds, _, sequence = text.partition("-")
    return int(milliseconds), int(sequence or 0)


def _use(info: Mapping[str, Any]) -> ServerUse:
    cpu_s = float(info.get("used_cpu_user", 0)) + float(info.get("used_cpu_sys", 0))
    return ServerUse(
        int(info.get("process_id", 0)),
        cpu_s,
        int(info.get("used_memory_rss", 0)),
        float(info.get("uptime_in_seconds", 0)),
    )
