"""Reading entries and joining them for COPY, beside reading an entry for each event.

From the bytes of the server's reply to what a database client is given.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import hiredis
import msgpack
import pytest
from ingest._native import Chunk

from bench.baseline.entries import row
from bench.micro.cases import NOW, case, timed
from bench.micro.content import of_all, of_body, of_chunk
from bench.micro.models import checked
from bench.micro.test_entry import BATCHES, ENTRIES, KINDS, contents, entry
from bench.workload import STRESS_BATCH

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.benchmark(timer=time.process_time)


ROWS = ENTRIES * BATCHES * STRESS_BATCH
GROUP = f"read {ROWS} events"


def reply(entries: list[list[bytes]]) -> bytes:
    """Write XREAD's reply with one stream."""
    ids = [b"%d-0" % number for number in range(1, len(entries) + 1)]
    told = [
        _array([_bulk(at), _array(map(_bulk, one))]) for at, one in zip(ids, entries, strict=True)
    ]
    return _array([_array([_bulk(b"ingest:{0}"), _array(told)])])


def _array(items: Any) -> bytes:
    known = list(items)
    return b"*%d\r\n%b" % (len(known), b"".join(known))


def _bulk(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


def parsed(text: bytes) -> list[Any]:
    """Give the entries of a reply."""
    parser = hiredis.Reader()
    parser.feed(text)
    ((_, entries),) = parser.gets()
    return list(entries)


@KINDS
def test_read_entries(benchmark: BenchmarkFixture, compress: bool) -> None:
    """Entries of many batches: parse the reply, check and join, give COPY's bytes."""
    made = [entry(seed, compress) for seed in range(ENTRIES)]
    text = reply([[b"h", header, b"d", data] for header, data in made])

    def read() -> tuple[Chunk, memoryview]:
        chunk = Chunk()
        for _, (_, header, _, data) in parsed(text):
            chunk.push(header, data)
        return chunk, chunk.straight

    chunk, stream = timed(benchmark, ROWS, read, GROUP)
    assert of_chunk(chunk) == contents(ENTRIES)
    assert stream == chunk.straight


def test_read_an_entry_for_each_event(benchmark: BenchmarkFixture) -> None:
    """Parse the reply, unpack each event, give an INSERT's parameters."""
    body = case(1000).body
    events, _ = checked(body, NOW)
    named = {"event_id": "0" * 32, "project_id": "0" * 32}
    packed = [msgpack.packb(named | event.model_dump(mode="json")) for event in events]
    text = reply([[b"data", one] for one in packed] * (ROWS // len(events)))
    rows = timed(benchmark, ROWS, lambda: [row(data) for _, (_, data) in parsed(text)], GROUP)
    names = ("user_id", "session_id", "event_type", "timestamp", "properties")
    found = of_all(dict(zip(names, values, strict=True)) for _, _, *values in rows)
    assert list(found) == of_body(body) * (ROWS // len(events))
