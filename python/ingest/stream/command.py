"""The bytes that append one shard's entries, and what the server's replies to them mean.

    MULTI
    XADD <stream> NOMKSTREAM * h <header> d <data>      one for each entry, the value last
    EVAL <count> 2 <stream> <accepted> <field> <rows>…  one side of the ledger
    EXEC

A worker that dies leaves both or neither. XADD answers nil where no consumer has made the
stream; the script then counts nothing, so nothing has to be taken back (it costs 6.5 µs more than
bare HINCRBYs). What Valkey refuses (out of memory, loading, read-only) it refuses as a whole.
No IO here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.errors import IngestError, Retryable, ShardMissing, StreamRefused
from ingest.stream.replies import ErrorReply
from ingest.stream.shards import accepted_key, stream_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ingest.stream.replies import Reply

# Larger values travel as buffers of their own: joining them would copy them once more.
JOIN_BYTES = 8192
COUNT_SCRIPT = (
    b"if redis.call('XLEN',KEYS[1])>0 then for i=1,#ARGV,2 do "
    b"redis.call('HINCRBY',KEYS[2],ARGV[i],ARGV[i+1]) end end"
)
# MULTI, EVAL and EXEC are answered besides the XADDs.
_OTHER_REPLIES = 3
_PASSING = frozenset({"LOADING", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "BUSY", "NOREPLICAS"})
_ABORT_REASON = re.compile(r"because of: ([A-Z]+)")


def command(*arguments: bytes) -> bytes:
    """Pack one command in the Redis serialization protocol."""
    return b"*%d\r\n%b" % (len(arguments), _bulk(*arguments))


def _bulk(*arguments: bytes) -> bytes:
    return b"".join(b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in arguments)


_MULTI = command(b"MULTI")
_EXEC = command(b"EXEC")


class ShardCommands:
    """The commands of one shard, with everything prepared that is the same each time."""

    def __init__(self, shard: int) -> None:
        stream, accepted = stream_key(shard).encode(), accepted_key(shard).encode()
        self._xadd = b"*8\r\n" + _bulk(b"XADD", stream, b"NOMKSTREAM", b"*", b"h")
        self._eval = _bulk(b"EVAL", COUNT_SCRIPT, b"2", stream, accepted)

    def append(
        self, entries: Iterable[tuple[bytes, bytes]], counts: Mapping[bytes, int]
    ) -> list[bytes]:
        """Pack the transaction as buffers to be written in order; large values are not copied."""
        buffers: list[bytes] = []
        small = [_MULTI]
        for header, data in entries:
            small += (self._xadd, _bulk(header, b"d"), b"$%d\r\n" % len(data))
            if len(data) > JOIN_BYTES:
                buffers += (b"".join(small), data)
                small = [b"\r\n"]
            else:
                small += (data, b"\r\n")
        small += (self._count(counts), _EXEC)
        buffers.append(b"".join(small))
        return buffers

    def _count(self, counts: Mapping[bytes, int]) -> bytes:
        head = b"*%d\r\n%b" % (5 + 2 * len(counts), self._eval)
        return head + b"".join(_bulk(field, b"%d" % rows) for field, rows in counts.items())


def reply_count(entries: int) -> int:
    """Give how many replies a transaction of so many entries has."""
    return entries + _OTHER_REPLIES


def verdict(replies: Sequence[Reply], entries: int) -> IngestError | None:
    """Say what became of a transaction whose replies all came: None when it is stored.

    Retryable: surely not stored, and the same may be sent again. Any other error is for the client.
    """
    error = first_error(replies)
    if error is not None:
        return refusal(error)
    last = replies[-1]
    if not isinstance(last, list):
        return Retryable("Valkey dropped the transaction")
    refused = first_error(last)
    if refused is not None:
        return refusal(refused)
    is_missing = None in last[:entries]
    return ShardMissing("no consumer has created the shard yet") if is_missing else None


def first_error(replies: Sequence[Reply]) -> ErrorReply | None:
    """Find the error that explains the others: EXEC only repeats why a command was refused."""
    error = next((reply for reply in replies if isinstance(reply, ErrorReply)), None)
    if error is None or error.code != "EXECABORT":
        return error
    reason = _ABORT_REASON.search(error.text)
    return ErrorReply(reason[1], error.text) if reason else error


def refusal(error: ErrorReply) -> IngestError:
    """Class an error of the server: it passes, or the stream is full, or a person must act."""
    told = f"Valkey answered {error.code} {error.text}"
    if error.code in _PASSING:
        return Retryable(told)
    if error.code == "OOM":
        return StreamRefused("stream_full", told)
    return StreamRefused("stream_misconfigured", told)
