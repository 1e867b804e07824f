"""Tuples byte by byte: against constants, and against psycopg."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from ingest._native import COPY_COLUMNS, LAYOUT, SHAPE_BATCH

from bench.workload import Workload, batch_body
from tests.unit.native import twin
from tests.unit.native.kernel import (
    NOW,
    NOW_US,
    PROJECT,
    answer,
    builtin,
    encode,
    exact,
    free_form,
    rows,
)

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def test_layout() -> None:
    assert LAYOUT == 1
    assert COPY_COLUMNS == (
        "event_id",
        "project_id",
        "timestamp",
        "received_at",
        "event_type",
        "user_id",
        "session_id",
        "properties",
    )


def test_one_tuple_byte_by_byte() -> None:
    event = {"event_type": "a", "timestamp": "2026-11-23T00:00:00Z", "user_id": "é"}
    batch = encode(free_form(), json.dumps(event | {"event_id": ID}))
    assert batch.status == 202
    assert batch.tuples.hex(" ", 1) == (
        "00 08 "
        "00 00 00 10 01 89 0a 5d ac 96 77 4b bc ce b3 02 09 9a 80 57 "
        "00 00 00 10 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 "
        "00 00 00 08 00 03 03 e5 0b 2c a0 00 "
        "00 00 00 08 00 03 03 ef 97 12 c6 14 "
        "00 00 00 01 61 "
        "00 00 00 02 c3 a9 "
        "ff ff ff ff "
        "00 00 00 03 01 7b 7d"
    )


#: Properties as sent and as PostgreSQL gets them: shorter keys first, values untouched.
GOLDEN = {
    "{}": "{}",
    '{"b":1,"a":2}': '{"a":2,"b":1}',
    ' { "bb" : 1 , "a" : [ 1 , { "z":1,"y":2 } ] } ': '{"a" : [ 1 , { "z":1,"y":2 } ],"bb" : 1}',
    '{"a":1.50,"b":-0,"c":1E+2,"d":1e-300}': '{"a":1.50,"b":-0,"c":1E+2,"d":1e-300}',
    '{"a":"\\u00e9\\ud83d\\ude00\\n\\/"}': '{"a":"\\u00e9\\ud83d\\ude00\\n\\/"}',
    '{"é":"😀","zz":null,"z":true}': '{"z":true,"zz":null,"é":"😀"}',
    '{"a":1,"a":2}': '{"a":1,"a":2}',
    '{"":{"":[]}}': '{"":{"":[]}}',
}


@pytest.mark.parametrize("sent", GOLDEN)
@pytest.mark.parametrize("is_str", [True, False])
def test_golden_properties(sent: str, is_str: bool) -> None:
    timestamp = "2026-11-20T23:59:59.999999+01:30"
    body = f'{{"properties":{sent},"event_type":"a","timestamp":"{timestamp}","event_id":"{ID}"}}'
    batch = encode(free_form(), body if is_str else body.encode())
    event = {"event_type": "a", "timestamp": timestamp}
    expected = twin.of_event(event, UUID(ID), PROJECT, NOW_US, GOLDEN[sent])
    assert batch.tuples == expected


@pytest.mark.parametrize("seed", range(5))
def test_reference_mix_equals_psycopg(seed: int) -> None:
    events = Workload(seed, NOW).batch(300)
    batch = encode(builtin(), batch_body(events), SHAPE_BATCH)
    ids = [UUID(text) for text in answer(batch)["event_ids"]]
    decoded = rows(batch)
    assert [row.event_id for row in decoded] == batch.event_ids == [id_.bytes for id_ in ids]
    assert b"".join(row.raw for row in decoded) == batch.tuples
    for event, id_, row in zip(events, ids, decoded, strict=True):
        assert row.raw == twin.of_event(event, id_, PROJECT, NOW_US, row.properties)
        assert exact(row.properties) == exact(json.dumps(event["properties"]))
