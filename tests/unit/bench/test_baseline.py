"""The baseline has the reference's rules: it accepts and refuses the same events as the kernel."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from secrets import token_bytes
from uuid import uuid4

import msgpack
import pytest
from ingest import _native
from pydantic import ValidationError

from bench.baseline import entries
from bench.baseline.models import Event
from bench.workload import Workload

EVENTS = 300


def accepts(event: dict[str, object]) -> bool:
    try:
        Event.model_validate_json(json.dumps(event))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("is_broken", [False, True])
def test_has_the_kernels_verdict(is_broken: bool) -> None:
    workload, now = Workload(3, datetime.now(UTC)), datetime.now(UTC)
    events = workload.broken_batch(EVENTS) if is_broken else workload.batch(EVENTS)
    encoder = _native.Encoder(_native.Schema.builtin(), _native.Limits(), seed=token_bytes(32))
    body = json.dumps({"events": events})
    batch = encoder.encode(body, token_bytes(16), int(now.timestamp() * 1e6), _native.SHAPE_NATIVE)
    refused = {index for index, *_ in batch.rejections}
    assert [accepts(event) for event in events] == [index not in refused for index in range(EVENTS)]
    assert bool(refused) == is_broken


def test_an_entry_holds_all_property_keys_and_gives_the_row() -> None:
    event = Event.model_validate(Workload(3, datetime.now(UTC)).event("purchase"))
    event_id, project_id = uuid4(), uuid4()
    packed = entries.pack(event_id, project_id, event)
    assert len(msgpack.unpackb(packed)["properties"]) == 13
    row = entries.row(packed)
    assert row[:2] == (str(event_id), str(project_id))
    assert row[5] == event.timestamp
    assert json.loads(row[6])["price"] == event.properties.price
