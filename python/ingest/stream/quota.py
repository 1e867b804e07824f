"""What all workers together have used of each project's plan, as buckets in Valkey.

    ingest:{quota}:<project>   at         when, by the server's clock, the levels were so
                               requests   how full the bucket of requests is
                               events     how full the bucket of events is
    ingest:{quota}:workers     <worker> -> when it reported last

A worker reports what it has used and is told the new levels, in one round trip for all projects.
The server's clock alone counts, so hosts may differ in theirs. The buckets are only as durable as a
minute asks for: each key ends by itself.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

from ingest.errors import Retryable
from ingest.stream.command import command
from ingest.stream.connection import CONNECT_TIMEOUT_S
from ingest.stream.replies import ErrorReply
from ingest.stream.shards import QUOTA_WORKERS_KEY, quota_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ingest.stream.connection import Wire
    from ingest.stream.replies import Reply

# Longer than the pauses of one that works, short enough to forget one that ended.
WORKER_S = 5
# An empty bucket and no bucket are the same: a full one has leaked by then.
KEEP_S = 120
# The server does nothing else meanwhile: about 2 ms.
MOST_AT_ONCE = 250
SCRIPT = b"""
local time = redis.call('TIME')
local at = time[1] + time[2] / 1000000
redis.call('HSET', KEYS[1], ARGV[1], at)
local told, workers = {0}, redis.call('HGETALL', KEYS[1])
for i = 1, #workers, 2 do
    if math.abs(at - workers[i + 1]) < %d then told[1] = told[1] + 1
    else redis.call('HDEL', KEYS[1], workers[i]) end
end
for i = 2, #KEYS do
    local kept = redis.call('HMGET', KEYS[i], 'at', 'requests', 'events')
    local passed, levels = math.max(0, at - (kept[1] or at)), {}
    for unit = 1, 2 do
        local limit, used = ARGV[4 * i - 8 + 2 * unit], ARGV[4 * i - 7 + 2 * unit]
        local level = math.max(0, (kept[unit + 1] or 0) - passed * limit / 60)
        levels[unit] = string.format('%%.3f', math.max(0, level + used))
        told[#told + 1] = levels[unit]
    end
    redis.call('HSET', KEYS[i], 'at', at, 'requests', levels[1], 'events', levels[2])
    redis.call('EXPIRE', KEYS[i], %d)
end
return told
""" % (WORKER_S, KEEP_S)


class Used(NamedTuple):
    """What one worker used of a project's plan since its last report; may be less than nothing."""

    project_id: bytes
    requests_limit: int
    requests: int
    events_limit: int
    events: int


class Level(NamedTuple):
    """How full a project's buckets are, over all workers."""

    requests: float
    events: float


class Settled(NamedTuple):
    """The answer: levels in the order of the report, and how many workers reported lately."""

    workers: int
    levels: list[Level]


class QuotaCounters:
    """One connection, made with the first report; a failure ends it and the next one makes another.

    Not for concurrent use.
    """

    def __init__(self, connect: Callable[[float], Awaitable[Wire]], reply_timeout_s: float) -> None:
        self._connect = connect
        self._reply_timeout_s = reply_timeout_s
        self._worker = secrets.token_hex(8).encode()
        self._wire: Wire | None = None

    async def settle(self, used: Sequence[Used]) -> Settled:
        """Report at most MOST_AT_ONCE; Retryable or NeedsPerson, and then it may count or not."""
        if self._wire is None:
            self._wire = await self._connect(min(self._reply_timeout_s, CONNECT_TIMEOUT_S))
        wire, self._wire = self._wire, None
        try:
            (reply,) = await wire.exchange([self._report(used)], 1, self._reply_timeout_s)
            settled = _settled(reply)
        except BaseException:
            await wire.close()
            raise
        self._wire = wire
        return settled

    async def close(self) -> None:
        """End the connection."""
        if self._wire is not None:
            await self._wire.close()
            self._wire = None

    def _report(self, used: Sequence[Used]) -> bytes:
        keys = [quota_key(one.project_id).encode() for one in used]
        numbers = [b"%d" % number for one in used for number in one[1:]]
        count = b"%d" % (len(keys) + 1)
        return command(
            b"EVAL", SCRIPT, count, QUOTA_WORKERS_KEY.encode(), *keys, self._worker, *numbers
        )


def _settled(reply: Reply) -> Settled:
    match reply:
        case [int(workers), *numbers]:
            levels = [float(number) for number in numbers if isinstance(number, bytes)]
            pairs = zip(levels[::2], levels[1::2], strict=True)
            return Settled(workers, [Level(*pair) for pair in pairs])
        case ErrorReply(code, text):
            raise Retryable(f"Valkey does not count: {code} {text}")
    raise Retryable("Valkey does not count")
