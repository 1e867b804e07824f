"""The consumer's side of the stream: reads shards after a cursor, trims behind a position.

No consumer groups: what was read is known by the position in PostgreSQL alone. One stream is
totally ordered on one server, so reading after a cursor misses nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import redis

from ingest._native import Chunk
from ingest.errors import IngestError, NeedsPerson, Retryable
from ingest.stream import shards
from ingest.stream.connection import connect
from ingest.stream.shards import hold_key, stream_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

Fields: TypeAlias = "list[bytes]"

# Entries of one read over all shards: 64 of the usual 256 KiB are 16 MiB, which the server holds
# as undrained replies against its maxmemory.
MAX_COUNT = 64
READ_BYTES = 8 << 20
# A pause of the server longer than this is a lost connection; a read blocks far less.
TIMEOUT_S = 5.0
# Error replies that end by themselves.
PASSING = frozenset({"LOADING", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "READONLY", "BUSY"})


class Entry(NamedTuple):
    """One entry as the stream holds it."""

    entry_id: str
    header: bytes
    data: bytes

    @property
    def claimed_rows(self) -> int:
        """How many rows the header says there are; 0 when that is broken too."""
        return Chunk.claimed_rows(self.header)


class Trim(NamedTuple):
    """Entries of a shard up to this id may go; `is_exact` also when a node is only partly read."""

    shard: int
    upto: str
    is_exact: bool


class StreamReader:
    """One connection to Valkey, for one thread. Raises Retryable or NeedsPerson; never retries."""

    def __init__(self, url: str, name: str) -> None:
        self._client = connect(url, name=name, timeout_s=TIMEOUT_S)
        # A list of pairs, as it came: the library would make a dict of each entry.
        for command in ("XREAD", "XRANGE"):
            self._client.set_response_callback(command, lambda reply, **_: reply)

    def run_id(self) -> str:
        """Give the id of the server's present run; another one may hold other data."""
        with translated():
            return str(self._client.info("server")["run_id"])

    def agree_on_count(self, count: int) -> None:
        """Keep the number of shards at the first start; NeedsPerson when it is another one."""
        with translated():
            shards.agree_on_count(self._client, count)

    def open(self, shard: int, cursor: str) -> None:
        """Make the stream if it is missing, and let no new id be at or below the cursor.

        Ids follow the server's clock: a replaced server whose clock is behind, or one that lost its
        newest entries, would give ids that a read after the cursor never sees.
        """
        key = stream_key(shard)
        with translated():
            shards.create(self._client, shard, cursor)
            if _number(self._last_id(key)) < _number(cursor):
                shards.go_on_after(self._client, shard, cursor)

    def are_present(self, numbers: Collection[int]) -> bool:
        """Say whether the streams of all these shards are there."""
        with translated():
            return bool(self._client.exists(*map(stream_key, numbers)) == len(numbers))

    def ends(self, numbers: Iterable[int]) -> dict[int, str]:
        """Give the last id of each shard's stream; of one that is not there yet the first."""
        with translated():
            return {
                shard: self._last_id(key) if self._client.exists(key) else "0-0"
                for shard, key in ((shard, stream_key(shard)) for shard in numbers)
            }

    def read(self, cursors: Mapping[int, str], count: int, block_ms: int) -> dict[int, list[Entry]]:
        """Read at most `count` entries of each shard after its cursor; empty when none came.

        Blocks for `block_ms` until the first comes; 0 does not block.
        """
        keys = {stream_key(shard).encode(): shard for shard in cursors}
        block = ("BLOCK", block_ms) if block_ms > 0 else ()
        with translated():
            reply = self._call("XREAD", "COUNT", count, *block, "STREAMS", *keys, *cursors.values())
        return {keys[key]: list(map(_entry, entries)) for key, entries in reply or ()}

    def read_again(self, shard: int, after: str, upto: str, count: int) -> list[Entry]:
        """Read entries after one id up to and with another."""
        with translated():
            reply = self._call("XRANGE", stream_key(shard), f"({after}", upto, "COUNT", count)
        return list(map(_entry, reply))

    def trim(self, trims: Sequence[Trim]) -> list[Trim]:
        """Let go of entries that are stored, but not of shards that are held; give the trims made.

        Whoever holds a shard reads the positions afterwards: a trim that was decided before the
        hold was seen goes no further than those.
        """
        with translated():
            free = [trim for trim in trims if not self._client.exists(hold_key(trim.shard))]
            self._trim(free)
        return free

    def _trim(self, trims: Sequence[Trim]) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            for shard, upto, is_exact in trims:
                how = "=" if is_exact else "~"
                pipe.execute_command(  # type: ignore[no-untyped-call]
                    "XTRIM", stream_key(shard), "MINID", how, _next(upto)
                )
            pipe.execute()

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _call(self, *words: str | int | bytes) -> Any:
        return self._client.execute_command(*words)  # type: ignore[no-untyped-call]

    def _last_id(self, key: str) -> str:
        info: Any = self._client.xinfo_stream(key)
        last = info["last-generated-id"]
        return last.decode() if isinstance(last, bytes) else str(last)


def count_for(largest_bytes: int, shard_count: int) -> int:
    """Give how many entries of each shard to read, so that all stay within READ_BYTES.

    It goes by the largest entry of the read before: a first read of larger ones is bounded by
    MAX_COUNT alone.
    """
    fitting = min(MAX_COUNT, READ_BYTES // max(1, largest_bytes))
    return max(1, fitting // max(1, shard_count))


def earlier(first: str, second: str) -> str:
    """Give the earlier of two entry ids."""
    return min(first, second, key=_number)


def _number(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def _next(entry_id: str) -> str:
    milliseconds, sequence = _number(entry_id)
    return f"{milliseconds}-{sequence + 1}"


def _entry(reply: tuple[bytes, Fields]) -> Entry:
    """An entry of another form than `h`, `d` keeps its bytes: it can't be read, but is not lost."""
    entry_id, fields = reply
    if len(fields) == 4 and fields[0] == b"h" and fields[2] == b"d":  # noqa: PLR2004
        return Entry(entry_id.decode(), fields[1], fields[3])
    return Entry(entry_id.decode(), b"", b" ".join(fields))


@contextmanager
def translated() -> Iterator[None]:
    """Raise IngestError in the place of the library's errors."""
    try:
        yield
    except redis.RedisError as error:
        raise _classify(error) from error


def _classify(error: redis.RedisError) -> IngestError:
    text = f"Valkey: {error}"
    if isinstance(error, redis.AuthenticationError | redis.exceptions.NoPermissionError):
        return NeedsPerson(text)
    if isinstance(error, redis.ResponseError) and str(error).split(" ", 1)[0] not in PASSING:
        return NeedsPerson(text)
    return Retryable(text)
