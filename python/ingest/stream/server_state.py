"""What Valkey says of itself at one moment: settings that promises rest on, memory, and the drain.

One round trip, asked by workers about once a second: CONFIG GET and INFO, and a script that looks
at all streams, because XINFO's answer holds whole entries and only the script's numbers travel.
The parts of an answer that can't be read are None. No policy here: room.py judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis

from ingest.errors import Retryable
from ingest.stream import durability
from ingest.stream.command import command
from ingest.stream.shards import stream_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.stream.durability import AckLevel
    from ingest.stream.replies import Reply

SAFE_POLICY = durability.SAFE_POLICY.decode()
REPLIES = 3
_INFO = command(b"INFO")
# Entries ever added, entries there now, and the first id of all; a missing stream counts nothing.
_DRAIN_SCRIPT = (
    b"local added,left,oldest,id=0,0,-1,'' for _,key in ipairs(KEYS) do "
    b"local told=redis.pcall('XINFO','STREAM',key) for i=1,#told,2 do "
    b"local value=told[i+1] if told[i]=='length' then left=left+value "
    b"elseif told[i]=='entries-added' then added=added+value "
    b"elseif told[i]=='first-entry' and value then "
    b"local ms=tonumber(string.match(value[1],'^%d+')) "
    b"if oldest<0 or ms<oldest then oldest,id=ms,value[1] end end end end "
    b"return {added,left,id}"
)


@dataclass(frozen=True, slots=True)
class Drain:
    """All streams together: entries ever let go, entries there, the first one's time."""

    trimmed: int
    entries: int
    oldest_ms: int | None


@dataclass(frozen=True, slots=True)
class ServerState:
    """One server at one moment; `max_bytes` is None when only an unknown machine bounds it."""

    level: AckLevel
    run_id: str | None
    eviction_policy: str | None
    now_ms: int | None
    used_bytes: int
    max_bytes: int | None
    drain: Drain | None

    @property
    def fault(self) -> str | None:
        """Why nothing may be appended at all; None when nothing forbids it."""
        if self.eviction_policy == SAFE_POLICY:
            return None
        told = "can't be read" if self.eviction_policy is None else f"is {self.eviction_policy}"
        return f"Valkey's maxmemory-policy {told}, it must be {SAFE_POLICY}: unread events vanish"

    @property
    def oldest_s(self) -> float:
        """How long the first entry has been there by Valkey's clock; 0 when there is none."""
        if self.drain is None or self.drain.oldest_ms is None or self.now_ms is None:
            return 0.0
        return max(0.0, (self.now_ms - self.drain.oldest_ms) / 1000)


def read(shards: int) -> bytes:
    """Pack the commands whose REPLIES replies `parse` takes."""
    keys = [stream_key(shard).encode() for shard in range(shards)]
    return durability.READ + _INFO + command(b"EVAL", _DRAIN_SCRIPT, b"%d" % shards, *keys)


def parse(replies: Sequence[Reply]) -> ServerState:
    """Read the replies to `read`."""
    config, info, drain = replies
    told = _lines(info) if isinstance(info, bytes) else {}
    return _state(durability.level(config), told, _drain(drain))


def ask(client: redis.Redis) -> ServerState:
    """Ask over a synchronous client, which is closed then; Retryable when Valkey can't answer.

    The streams are not looked at.
    """
    try:
        return of(durability.of(client), client.info())
    except redis.RedisError as error:
        raise Retryable(f"Valkey can't be reached: {error}") from error
    finally:
        client.close()


def of(level: AckLevel, info: Mapping[str, Any]) -> ServerState:
    """Read what a synchronous client was told by INFO; the streams are not looked at."""
    return _state(level, {str(name): str(value) for name, value in info.items()}, None)


def _state(level: AckLevel, info: Mapping[str, str], drain: Drain | None) -> ServerState:
    now_us = info.get("server_time_usec")
    # The server itself leaves out what is on its way to the append-only file.
    used = int(info.get("used_memory", 0)) - int(info.get("mem_not_counted_for_evict", 0))
    bound = int(info.get("maxmemory", 0)) or int(info.get("total_system_memory", 0))
    return ServerState(
        level=level,
        run_id=info.get("run_id"),
        eviction_policy=info.get("maxmemory_policy"),
        now_ms=None if now_us is None else int(now_us) // 1000,
        used_bytes=max(0, used),
        max_bytes=bound or None,
        drain=drain,
    )


def _lines(info: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in info.decode(errors="replace").splitlines())
    return {name: value for name, _, value in pairs}


def _drain(reply: Reply) -> Drain | None:
    match reply:
        case [int(added), int(left), bytes(first)]:
            oldest_ms = int(first.partition(b"-")[0]) if first else None
            return Drain(added - left, left, oldest_ms)
    return None
