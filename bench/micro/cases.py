"""The bodies that every bench here runs on, with what must come out."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ingest._native import SHAPE_NATIVE, Batch, Encoder, Limits, Schema

from bench.workload import BROKEN_EVERY, Event, Workload

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

T = TypeVar("T")

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW_US = 1_795_435_200_000_000
PROJECT = bytes(range(16))
COUNTS = (1, 10, 200, 1000)
#: Streams of a bench's server.
SHARDS = 4
#: Reading the CPU clock takes 1 µs here, so a round is never shorter than so many events.
EVENTS_A_ROUND = 2000
ROUNDS = 30


class Case(NamedTuple):
    """A body and which of its events must be refused."""

    name: str
    body: str
    events: int
    refused: list[int]


def case(count: int, *, is_ascii: bool = True, is_broken: bool = False) -> Case:
    """Build the case of that kind; the same each time."""
    workload = Workload(count, NOW)
    events = workload.broken_batch(count) if is_broken else workload.batch(count)
    refused = list(range(BROKEN_EVERY - 1, count, BROKEN_EVERY)) if is_broken else []
    if not is_ascii:
        events = [_translated(event) for event in events]
    name = f"{count}-{'ascii' if is_ascii else 'unicode'}-{'broken' if is_broken else 'valid'}"
    return Case(name, json.dumps({"events": events}, ensure_ascii=is_ascii), count, refused)


def _translated(event: Event) -> Event:
    properties = event.get("properties", {}) | {"product_name": "Füllfeder «Größe 5» 万年筆 ✒️"}
    return event | {"user_id": "пользователь_42", "properties": properties}


CASES = [
    case(count, is_ascii=is_ascii, is_broken=is_broken)
    for count, is_ascii, is_broken in product(COUNTS, (True, False), (False, True))
    if not (is_broken and count < BROKEN_EVERY)
]


def encoder() -> Encoder:
    """An encoder with the built-in rules."""
    return Encoder(Schema.builtin(), Limits(), seed=os.urandom(32))


def encode(encoder: Encoder, body: str | bytes) -> Batch:
    """One call of the encoder."""
    return encoder.encode(body, PROJECT, NOW_US, SHAPE_NATIVE)


def encode_keyed(encoder: Encoder, body: str | bytes) -> Batch:
    """Encode a request that has an Idempotency-Key."""
    return encoder.encode(body, PROJECT, NOW_US, SHAPE_NATIVE, idempotency_key="a key")


def timed(benchmark: BenchmarkFixture, events: int, run: Callable[[], T], group: str) -> T:
    """Measure `run`, which handles so many events; give its last result.

    Whatever does the same work is in one group, so that the table has it side by side.
    """
    benchmark.group = group
    iterations = max(1, EVENTS_A_ROUND // events)
    benchmark.extra_info["events"] = events
    result: T = benchmark.pedantic(  # type: ignore[no-untyped-call]
        run, rounds=ROUNDS, iterations=iterations, warmup_rounds=1
    )
    return result
