"""The file of prepared requests that the load generator sends, and the profiles to fill it from.

"ingestB1" | record ...
record: events u32 | path bytes u32 | body bytes u32 | path | body       (little endian)
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.workload import STRESS_BATCH, Workload, batch_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAGIC: Final = b"ingestB1"
SINGLE: Final = "/api/v1/event"
BATCH: Final = "/api/v1/event/batch"


class Prepared(NamedTuple):
    """One request: where to, how many events, and its JSON."""

    path: str
    events: int
    body: str


def write(path: Path, requests: Iterable[Prepared]) -> None:
    """Write the file; the generator sends its requests in turn, over and over."""
    with path.open("wb") as file:
        file.write(MAGIC)
        for request in requests:
            where, body = request.path.encode(), request.body.encode()
            file.write(struct.pack("<III", request.events, len(where), len(body)) + where + body)


def stress(workload: Workload, count: int) -> Iterator[Prepared]:
    """Batches of 200: the crash test's requests."""
    return (_batch(workload.batch(STRESS_BATCH)) for _ in range(count))


def singles(workload: Workload, count: int) -> Iterator[Prepared]:
    """One page view a request."""
    return (_single(workload.event("page_view")) for _ in range(count))


def realistic(workload: Workload, count: int) -> Iterator[Prepared]:
    """Single events of all types, and one request in ten a small batch."""
    for _ in range(count):
        what = workload.realistic()
        if what == "batch":
            yield _batch(workload.small_batch())
        else:
            yield _single(workload.event(what))


def _batch(events: list[dict[str, Any]]) -> Prepared:
    return Prepared(BATCH, len(events), batch_body(events))


def _single(event: dict[str, Any]) -> Prepared:
    return Prepared(SINGLE, 1, json.dumps(event))
