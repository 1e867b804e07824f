"""Bodies, options and the answers that go with them."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from ingest._native import FLAG_NAMED, SHAPE_BATCH, SHAPE_EVENT, SHAPE_NATIVE, Batch, Limits

from tests.unit.native.kernel import answer, encode, free_form

GOOD = '{"event_type":"a"}'
BAD = '{"event_type":"b"}'
NAMED = '{"event_type":"a","timestamp":"2026-11-23T12:00:00Z","event_id":"%s"}'
IDS = ["01890a5d-ac96-774b-bcce-b302099a8057", "01890A5D-AC96-474B-BCCE-B302099A8058"]


def of(body: str, shape: int, **options: object) -> Batch:
    return encode(free_form(), body, shape, **options)


@pytest.mark.parametrize("shape", [SHAPE_EVENT, SHAPE_NATIVE])
def test_one_event(shape: int) -> None:
    batch = of(GOOD, shape)
    assert (batch.status, batch.code, batch.rows, batch.flags) == (202, "accepted", 1, 0)
    told = answer(batch)
    id_ = str(UUID(bytes=batch.event_ids[0]))
    if shape == SHAPE_EVENT:
        assert told == {"status": "accepted", "event_id": id_}
    else:
        assert told == {"status": "accepted", "accepted": 1, "event_ids": [id_], "rejected": []}


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (f'{{"events":[{GOOD},{BAD},{GOOD}]}}', SHAPE_BATCH),
        (f'{{"events":[{GOOD},{BAD},{GOOD}]}}', SHAPE_NATIVE),
        (f'{{"\\u0065vents" : [ {GOOD} , {BAD} , {GOOD} ] }}', SHAPE_NATIVE),
        (f"[{GOOD},{BAD},{GOOD}]", SHAPE_NATIVE),
        (f" \n[{GOOD}\t,\r{BAD},{GOOD}] ", SHAPE_NATIVE),
    ],
)
def test_some_of_a_batch(body: str, shape: int) -> None:
    batch = of(body, shape)
    assert (batch.status, batch.rows, batch.reject_counts) == (202, 2, [("unknown_event_type", 1)])
    told = answer(batch)
    assert told["accepted"] == 2
    assert told["event_ids"] == [str(UUID(bytes=id_)) for id_ in batch.event_ids]
    ((index, code, field, message),) = batch.rejections
    assert (index, code, field) == (1, "unknown_event_type", "event_type")
    assert told["rejected"] == [{"index": 1, "code": code, "field": field, "message": message}]


def test_strict_takes_all_or_nothing() -> None:
    batch = of(f"[{GOOD},{BAD}]", SHAPE_NATIVE, strict=True)
    assert (batch.status, batch.code, batch.rows, batch.nbytes) == (422, "strict_rejected", 0, 0)
    assert [rejected["index"] for rejected in answer(batch)["rejected"]] == [1]
    assert of(f"[{GOOD},{GOOD}]", SHAPE_NATIVE, strict=True).rows == 2


def test_minimal_leaves_out_ids_only() -> None:
    told = answer(of(f"[{GOOD},{BAD}]", SHAPE_NATIVE, minimal=True))
    assert set(told) == {"status", "accepted", "rejected"}
    assert len(told["rejected"]) == 1
    assert answer(of(GOOD, SHAPE_EVENT, minimal=True)) == {"status": "accepted"}


def test_nothing_acceptable() -> None:
    batch = of(f"[{BAD},5]", SHAPE_NATIVE)
    assert (batch.status, batch.code, batch.rows) == (422, "no_acceptable_event", 0)
    told = answer(batch)
    assert told["code"] == "no_acceptable_event"
    assert [rejected["code"] for rejected in told["rejected"]] == [
        "unknown_event_type",
        "not_an_object",
    ]


def test_a_refused_single_event_names_its_field() -> None:
    told = answer(of(BAD, SHAPE_EVENT))
    assert (told["status"], told["code"], told["field"]) == (
        422,
        "unknown_event_type",
        "event_type",
    )
    assert told["message"]
    assert told["type"] == "urn:ingest:unknown_event_type"


def test_names_flag_and_shard() -> None:
    first, second = (NAMED % id_ for id_ in IDS)
    batch = of(f"[{first},{second},{GOOD}]", SHAPE_NATIVE)
    assert batch.flags == FLAG_NAMED
    assert batch.event_ids[:2] == [UUID(id_).bytes for id_ in IDS]
    assert (
        batch.shard_hash == of(first, SHAPE_EVENT).shard_hash != of(second, SHAPE_EVENT).shard_hash
    )
    assert of(GOOD, SHAPE_EVENT).shard_hash == 0
    keyed = of(NAMED % IDS[0], SHAPE_EVENT, idempotency_key="k")
    assert keyed.flags == FLAG_NAMED
    assert keyed.shard_hash == of(NAMED % IDS[1], SHAPE_EVENT, idempotency_key="k").shard_hash


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1000, 1001])
@pytest.mark.parametrize("shape", [SHAPE_BATCH, SHAPE_NATIVE])
def test_bound_of_events(count: int, shape: int) -> None:
    batch = of(json.dumps({"events": [{"event_type": "a"}] * count}), shape)
    is_within = count <= (500 if shape == SHAPE_BATCH else 1000)
    assert (batch.status, batch.rows) == ((202, count) if is_within else (413, 0))
    assert batch.code == ("accepted" if is_within else "too_many_events")


def test_bounds_are_settable() -> None:
    assert Limits().max_batch_events == 1000
    encoder = free_form(Limits(max_body_bytes=len(GOOD)))
    assert encode(encoder, GOOD).status == 202
    assert encode(encoder, GOOD + " ").code == "body_too_large"
    with pytest.raises(ValueError, match="max_depth"):
        Limits(max_depth=0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"project_id": b"short"},
        {"shape": 3},
        {"received_at_us": -1},
    ],
)
def test_only_a_caller_can_be_wrong(arguments: dict[str, object]) -> None:
    request: dict[str, object] = {"project_id": bytes(16), "shape": 0, "received_at_us": 10**15}
    with pytest.raises(ValueError, match=next(iter(arguments))):
        free_form().encode(GOOD, **(request | arguments))  # type: ignore[arg-type]
