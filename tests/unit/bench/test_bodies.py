"""The file of prepared requests."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench import bodies
from bench.workload import Workload

if TYPE_CHECKING:
    from pathlib import Path


def read(file: bytes) -> list[bodies.Prepared]:
    assert file.startswith(bodies.MAGIC)
    at, found = len(bodies.MAGIC), []
    while at < len(file):
        events, path, body = struct.unpack_from("<III", file, at)
        at += 12
        found.append(
            bodies.Prepared(
                file[at : at + path].decode(), events, file[at + path : at + path + body].decode()
            )
        )
        at += path + body
    return found


def test_holds_what_was_written(tmp_path: Path) -> None:
    requests = list(bodies.realistic(Workload(1, datetime.now(UTC)), 500))
    bodies.write(tmp_path / "file", requests)
    assert read((tmp_path / "file").read_bytes()) == requests


def test_the_realistic_mix_has_a_batch_in_ten() -> None:
    requests = list(bodies.realistic(Workload(1, datetime.now(UTC)), 5000))
    batches = [request for request in requests if request.path == bodies.BATCH]
    assert 420 < len(batches) < 580
    assert all(5 <= len(json.loads(batch.body)["events"]) <= 15 for batch in batches)
    assert all(batch.events == len(json.loads(batch.body)["events"]) for batch in batches)


def test_a_stress_batch_is_two_hundred_events_of_about_67_kb() -> None:
    (batch,) = bodies.stress(Workload(1, datetime.now(UTC)), 1)
    assert batch.events == 200
    assert 64_000 < len(batch.body) < 70_000
