"""The slow walk over tuples finds what the extension finds."""

from __future__ import annotations

import json
import os
import time
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from ingest._native import SHAPE_NATIVE, Chunk, Encoder, Limits, Schema, pack_entry
from ingest.store import tuples

from tests.unit.consumer import entries
from tests.unit.store.chunks import RowChunk
from tests.unit.store.rows import DAY, HOUR, OTHER, PROJECT, row, stream

IDS = [UUID(int=number) for number in range(1, 4)]


def test_a_stream_is_told_apart_and_joined_again() -> None:
    rows = [row(each, properties={"n": each.int}) for each in IDS]
    found = tuples.split(stream(rows))
    assert [bytes(each.raw) for each in found] == rows
    assert tuples.join(found) == stream(rows)


def test_an_empty_stream_has_no_tuples() -> None:
    assert tuples.split(stream([])) == []
    assert tuples.split(memoryview(b"")) == []


def test_fixed_fields_are_found() -> None:
    (found,) = tuples.split(stream([row(IDS[0], OTHER)]))
    assert (found.event_id, found.project_id) == (IDS[0].bytes, OTHER.bytes)
    assert (found.day, found.hour) == (DAY, HOUR)


def test_an_event_is_shown_as_json() -> None:
    (found,) = tuples.split(stream([row(IDS[0], user_id='"é', properties={"a": [1, None]})]))
    assert json.loads(found.event_json() or "") == {
        "event_id": str(IDS[0]),
        "timestamp": "2026-11-20T10:30:00+00:00",
        "received_at": "2026-11-20T12:30:00+00:00",
        "event_type": "page_view",
        "user_id": '"é',
        "session_id": "session",
        "properties": {"a": [1, None]},
    }


def test_what_is_not_text_has_no_json() -> None:
    (found,) = tuples.split(stream([row(properties=b'{"a":"\xff"}')]))
    assert found.event_json() is None


@given(st.lists(st.text(max_size=40), min_size=1, max_size=20))
def test_it_agrees_with_the_extension(texts: list[str]) -> None:
    chunk = chunk_of(texts)
    found = tuples.split(chunk.straight)
    assert len(found) == chunk.straight_rows == len(texts)
    for index, own in enumerate(found):
        native = chunk.row(0, index)
        assert bytes(own.raw) == native.raw
        assert (own.event_id, own.project_id) == (native.event_id, native.project_id)
        assert own.day == native.timestamp_us // 86_400_000_000
        assert own.hour == native.received_at_us // 3_600_000_000
        shown = json.loads(own.event_json() or "")
        assert shown["properties"] == json.loads(native.properties)
        assert shown["session_id"] == native.session_id


def chunk_of(texts: list[str]) -> Chunk:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    events = [
        {
            "event_type": "page_view",
            "timestamp": now,
            "session_id": f"s{number}",
            "properties": {"note": text.replace("\0", "")},
        }
        for number, text in enumerate(texts)
    ]
    schema = Schema.builtin()
    encoder = Encoder(schema, Limits(), seed=os.urandom(32))
    body = json.dumps(events)
    batch = encoder.encode(body, PROJECT.bytes, time.time_ns() // 1000, SHAPE_NATIVE)
    assert batch.rows == len(texts), batch.response
    chunk = Chunk()
    chunk.push(*pack_entry([batch], schema.fingerprint, 1, 0, compress=True))
    return chunk


@given(st.lists(st.integers(0, 3), max_size=8), st.sets(st.integers(0, 3)))
def test_a_chunk_takes_keys_as_its_slow_twin_does(owners: list[int], chosen: set[int]) -> None:
    chunk = Chunk()
    for number, owner in enumerate(owners):
        made = entries.batch(2, project=UUID(int=owner), key=f"k{number // 2}")
        chunk.push(*entries.entry(made))
    twin = RowChunk(chunk.straight, chunk.named)
    projects = {UUID(int=owner).bytes for owner in chosen}
    keys, expected = chunk.keys(1, projects), twin.keys(1, projects)
    for name in ("rows", "repeated", "event_ids", "project_ids", "timestamps"):
        assert getattr(keys, name) == getattr(expected, name)
    assert chunk.without(1, set(keys.rows)) == twin.without(1, set(keys.rows))
    found = chunk.ledger_of(1, set(keys.repeated))
    assert sorted(found) == sorted(twin.ledger_of(1, set(keys.repeated)))
