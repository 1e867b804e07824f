"""What workers counted as accepted, shard by shard: read by the audit, folded by consumers.

    ingest:{n}:accepted   <producer>:<project>:<hour> -> events, counted with each append
    ingest:{n}:counted    data_set   a random name, given with the first stream of this server
                          since_ms   when counters were lost with a stream; absent: never
                          folded     the number of the last fold taken from the counters

A fold moves the counts of hours that are over to PostgreSQL, so that the hash holds those of a few
hours only: first they are added there, under the next number of the data set, then they are taken
from the hash here, with that number. Each half is done once, however often it is tried. Fields are
reduced and not deleted, so an append that comes late to its hour stays counted.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

import redis

from ingest.stream.connection import connect
from ingest.stream.read import translated
from ingest.stream.shards import AcceptedField, accepted_key, counted_key, new_data_set, stream_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A project's 16 bytes and a unix hour: a line of the ledger.
Line: TypeAlias = "tuple[bytes, int]"

# So many fields are folded at once; the server looks at about as many in one step.
FOLD_FIELDS = 500
# It runs when memory is full too: it only makes the hash smaller.
SUBTRACT = """#!lua flags=allow-oom
local state = redis.call('HMGET', KEYS[2], 'data_set', 'folded')
local folded, number = tonumber(state[2] or 0), tonumber(ARGV[2])
if ARGV[1] ~= '' and state[1] ~= ARGV[1] then return 'other' end
if folded > number then return 'ahead' end
if folded == number then return 'done' end
if folded < number - 1 then return 'behind' end
for i = 3, #ARGV, 2 do
    if redis.call('HINCRBY', KEYS[1], ARGV[i], '-' .. ARGV[i + 1]) == 0 then
        redis.call('HDEL', KEYS[1], ARGV[i])
    end
end
redis.call('HSET', KEYS[2], 'folded', ARGV[2])
return 'done'
"""


class State(NamedTuple):
    """What the counters are worth."""

    data_set: str
    since_ms: int | None
    folded: int


class Counters(NamedTuple):
    """One shard at one moment: its counters, and the last entry that they count."""

    state: State
    rows: Counter[Line]
    last_id: str


class Fields(NamedTuple):
    """Counters that may be folded, and the data set that they are of."""

    data_set: str
    rows: Mapping[bytes, int]


class Subtracted(StrEnum):
    """What became of the second half of a fold."""

    DONE = "done"
    OTHER = "other"  # another data set: what was counted there is gone with it
    BEHIND = "behind"  # an older state of the counters came back, with counts folded before
    AHEAD = "ahead"  # a later fold was taken from them: so another did, or PostgreSQL is older


class AcceptedCounters:
    """A connection to the counters. Raises Retryable or NeedsPerson."""

    def __init__(self, url: str, name: str) -> None:
        self._client = connect(url, name=name)

    def __enter__(self) -> Self:
        """Connect with the first question."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End the connection."""
        self._client.close()

    def read(self, shard: int) -> Counters:
        """Read a shard's counters and its last entry's id in one step of the server."""
        with translated(), self._client.pipeline() as pipe:
            pipe.hmget(counted_key(shard), "data_set", "since_ms", "folded")
            pipe.hgetall(accepted_key(shard))
            pipe.xinfo_stream(stream_key(shard))
            state, fields, stream = pipe.execute(raise_on_error=False)
            # No stream yet; any other error is one of the whole transaction.
            _raise(state, fields)
        last = b"0-0" if isinstance(stream, Exception) else stream["last-generated-id"]
        return Counters(_state(state), _by_line(fields), _text(last))

    def closed(self, shard: int, before_hour: int) -> Iterator[Fields]:
        """Give the counters of hours before one, some at a time, each once folded or left out."""
        cursor = 0
        while True:
            with translated(), self._client.pipeline() as pipe:
                pipe.hget(counted_key(shard), "data_set")
                pipe.hscan(accepted_key(shard), cursor, count=FOLD_FIELDS)
                data_set, (cursor, fields) = pipe.execute()
            closed = {name: int(rows) for name, rows in fields.items() if _ends(name, before_hour)}
            if closed and data_set is not None:
                yield Fields(_text(data_set), closed)
            if cursor == 0:
                return

    def subtract(
        self, shard: int, data_set: str, number: int, rows: Mapping[bytes, int]
    ) -> Subtracted:
        """Take what was folded from the counters, once; no name stands for any data set."""
        words = [word for field in rows.items() for word in field]
        keys = (accepted_key(shard), counted_key(shard))
        with translated():
            told: Any = self._client.eval(SUBTRACT, 2, *keys, data_set, number, *words)
        return Subtracted(_text(told))

    def name_data_set(self, shard: int) -> None:
        """Give counters that have no data set a name."""
        with translated():
            self._client.hsetnx(counted_key(shard), "data_set", new_data_set())

    def distrust(self, shard: int, now_ms: int) -> None:
        """Begin a new data set with the counters as they are: one side is an older state."""
        fields = {"data_set": new_data_set(), "since_ms": now_ms}
        with translated(), self._client.pipeline() as pipe:
            pipe.hset(counted_key(shard), mapping=fields)  # type: ignore[arg-type]
            pipe.hdel(counted_key(shard), "folded")
            pipe.execute()


def lines(rows: Mapping[bytes, int]) -> Counter[Line]:
    """Add up fields by line."""
    counts: Counter[Line] = Counter()
    for name, count in rows.items():
        field = AcceptedField.decode(name)
        counts[field.project_id, field.hour] += count
    return counts


def _by_line(fields: Mapping[bytes, bytes]) -> Counter[Line]:
    return lines({name: int(rows) for name, rows in fields.items()})


def _ends(name: bytes, before_hour: int) -> bool:
    return AcceptedField.decode(name).hour < before_hour


def _state(values: list[bytes | None]) -> State:
    data_set, since_ms, folded = values
    return State(
        _text(data_set or b""), None if since_ms is None else int(since_ms), int(folded or 0)
    )


def _raise(*replies: object) -> None:
    for reply in replies:
        if isinstance(reply, redis.RedisError):
            raise reply


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
