"""Packing what one write to Valkey carries: a group of batches, beside a pipeline of XADDs.

No server: bytes are made and read again. The rival is what clients do with an entry for each event.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import hiredis
import msgpack
import pytest
import redis
from ingest._native import Chunk
from ingest.stream.backlog import Waiting
from ingest.stream.group import EntryPolicy, Grouper
from ingest.stream.producer import Producer

from bench.micro.cases import NOW, NOW_US, PROJECT, case, encode, encoder, timed
from bench.micro.content import of_all, of_body, of_chunk
from bench.micro.models import checked

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.benchmark(timer=time.process_time)

ENTRY_BYTES = 256 << 10
HOUR = NOW_US // 3_600_000_000
#: Requests in a group: single events as 64 clients bring them, batches of 200.
GROUPS = pytest.mark.parametrize(("requests", "count"), [(1, 1), (16, 1), (8, 200)])


def group(requests: int, count: int) -> str:
    """Name what the sides do alike."""
    return f"pack {requests} requests of {count}"


def commands(buffers: list[bytes]) -> list[list[bytes]]:
    """Read what a server would."""
    parser = hiredis.Reader(notEnoughData=StopIteration)
    parser.feed(b"".join(buffers))
    return list(iter(parser.gets, StopIteration))


@GROUPS
@pytest.mark.parametrize("codec", ["plain", "lz4"])
def test_group(benchmark: BenchmarkFixture, requests: int, count: int, codec: str) -> None:
    """Encoded batches into a transaction with its counts."""
    batches = [encode(encoder(), case(count).body) for _ in range(requests)]
    waiting = [Waiting(one, PROJECT, HOUR, 0, None) for one in batches]  # type: ignore[arg-type]
    grouper = Grouper(Producer(), bytes(8), EntryPolicy(0, 4, ENTRY_BYTES, codec == "lz4"))
    rows = requests * count
    (transaction,) = timed(benchmark, rows, lambda: grouper.form(waiting), group(requests, count))
    sent, chunk = commands(transaction.buffers), Chunk()
    for words in sent:
        if words[0] == b"XADD":
            chunk.push(words[-3], words[-1])
    assert of_chunk(chunk) == of_body(case(count).body) * requests
    assert [sent[0], sent[-1]] == [[b"MULTI"], [b"EXEC"]]


@GROUPS
def test_redis_pipeline(benchmark: BenchmarkFixture, requests: int, count: int) -> None:
    """Checked events into an XADD each, by redis-py and MessagePack."""
    body = case(count).body
    events, _ = checked(body, NOW)
    connection: Any = redis.Connection()  # type: ignore[no-untyped-call]
    rows = requests * count

    def packed() -> list[bytes]:
        told = [
            ("XADD", "events", "*", "data", msgpack.packb(event.model_dump(mode="json")))
            for _ in range(requests)
            for event in events
        ]
        return list(connection.pack_commands(told))

    sent = commands(timed(benchmark, rows, packed, group(requests, count)))
    assert of_all(msgpack.unpackb(words[-1]) for words in sent) == of_body(body) * requests
