"""Packing batches into an entry, and joining entries into what one COPY takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from ingest._native import Chunk, pack_entry

from bench.e2e.verify import COPY_HEADER
from bench.micro.cases import NOW, case, encode, encoder, timed
from bench.micro.content import FINGERPRINT, of_body, of_chunk
from bench.workload import STRESS_BATCH, Workload, batch_body

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from bench.micro.content import Content

pytestmark = pytest.mark.benchmark(timer=time.process_time)

BATCHES = 4
ENTRIES = 25
KINDS = pytest.mark.parametrize("compress", [False, True], ids=["plain", "lz4"])


def bodies(seed: int) -> list[str]:
    """What the batches of an entry are encoded from."""
    workload = Workload(seed, NOW)
    return [batch_body(workload.batch(STRESS_BATCH)) for _ in range(BATCHES)]


def entry(seed: int, compress: bool) -> tuple[bytes, bytes]:
    """An entry of the usual size, about 240 kB of tuples, none like another."""
    batches = [encode(encoder(), body) for body in bodies(seed)]
    return pack_entry(batches, FINGERPRINT, 1, seed, compress=compress)


def contents(entries: int) -> list[Content]:
    """What so many entries, of the seeds from 0, hold."""
    return [one for seed in range(entries) for body in bodies(seed) for one in of_body(body)]


@KINDS
@pytest.mark.parametrize("count", [1, 10, STRESS_BATCH])
def test_pack(benchmark: BenchmarkFixture, count: int, compress: bool) -> None:
    """Four batches into one entry."""
    batches = [encode(encoder(), case(count).body) for _ in range(BATCHES)]
    rows = BATCHES * count
    header, data = timed(
        benchmark,
        rows,
        lambda: pack_entry(batches, FINGERPRINT, 1, 2, compress=compress),
        f"pack {BATCHES} batches of {count}",
    )
    assert Chunk.peek(header) == (FINGERPRINT, 1, 2, 0, rows)
    chunk = Chunk()
    chunk.push(header, data)
    assert of_chunk(chunk) == of_body(case(count).body) * BATCHES
    benchmark.extra_info["bytes_per_event"] = len(data) / rows


@KINDS
def test_push(benchmark: BenchmarkFixture, compress: bool) -> None:
    """The entries of one transaction into a new chunk."""
    entries = [entry(seed, compress) for seed in range(ENTRIES)]
    rows = ENTRIES * BATCHES * STRESS_BATCH

    def push_all() -> Chunk:
        chunk = Chunk()
        for header, data in entries:
            chunk.push(header, data)
        return chunk

    chunk = timed(benchmark, rows, push_all, f"unpack {rows} events")
    assert of_chunk(chunk) == contents(ENTRIES)
    stored = sum(len(data) for _, data in entries)
    benchmark.extra_info["bytes_per_event"] = stored / rows


def test_join(benchmark: BenchmarkFixture) -> None:
    """What Python gets for COPY: one copy of the chunk."""
    entries = [entry(seed, compress=False) for seed in range(ENTRIES)]
    chunk = Chunk()
    for header, data in entries:
        chunk.push(header, data)
    view = timed(benchmark, chunk.rows, lambda: chunk.straight, f"join {chunk.rows} events")
    assert view == COPY_HEADER + b"".join(data for _, data in entries)
