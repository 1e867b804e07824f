"""Bodies that PostgreSQL or a reader of JSON would choke on: each gets its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.contract.wire import BATCH, INGEST, NATIVE, SINGLE, good, packed, post
from tests.running import until

if TYPE_CHECKING:
    from tests.running import Running

DEEP = 2000


def with_property(text: bytes) -> bytes:
    """An event whose properties hold one member with this JSON text as its value."""
    return packed(good(properties={"a": "HERE"})).replace(b'"HERE"', text)


@pytest.mark.parametrize("path", INGEST)
def test_json_cut_off_at_any_byte(stack: Running, path: str) -> None:
    whole = packed(good() if path == SINGLE else {"events": [good()]})
    for length in range(0, len(whole), 1 if path == SINGLE else 7):
        answer = post(stack, whole[:length], path)
        assert (answer.status, answer.code) == (400, "malformed_json"), whole[:length]


def test_json_broken_at_any_byte(stack: Running) -> None:
    whole = packed(good())
    for at in range(len(whole)):
        answer = post(stack, whole[:at] + b"\x01" + whole[at + 1 :], SINGLE)
        assert (answer.status, answer.code) == (400, "malformed_json"), at


@pytest.mark.parametrize("body", [b"{} {}", b"[1,]", b"{'a':1}", b"nul", b"NaN", b"\xef\xbb\xbf{}"])
def test_what_is_no_json(stack: Running, body: bytes) -> None:
    answer = post(stack, body)
    assert (answer.status, answer.code) == (400, "malformed_json")


@pytest.mark.parametrize("body", [b'"a"', b"1", b"null", b"true"])
@pytest.mark.parametrize("path", INGEST)
def test_json_of_another_shape(stack: Running, path: str, body: bytes) -> None:
    answer = post(stack, body, path)
    assert (answer.status, answer.code) == (422, "not_an_object")


def test_a_batch_without_events(stack: Running) -> None:
    for body, code in (
        ({}, "missing_events"),
        ({"events": {}}, "wrong_type"),
        ({"events": []}, "empty_batch"),
    ):
        answer = post(stack, body, BATCH)
        assert (answer.status, answer.code) == (422, code), body


@pytest.mark.parametrize("field", ["event_type", "timestamp", "user_id", "session_id", "event_id"])
@pytest.mark.parametrize("value", [1, True, [], {}])
def test_a_wrong_type(stack: Running, field: str, value: object) -> None:
    answer = post(stack, good(**{field: value}), SINGLE)
    assert answer.status == 422
    assert answer.code in {"wrong_type", "unknown_event_type"}
    assert answer.json["field"] == field


@pytest.mark.parametrize("value", ["x", 1, [], None])
def test_properties_of_a_wrong_type(stack: Running, value: object) -> None:
    answer = post(stack, good(properties=value), SINGLE)
    assert answer.status == 422
    assert answer.json["field"] == "properties"


def test_a_body_that_is_too_large(stack: Running) -> None:
    answer = post(stack, b" " * ((1 << 20) + 1))
    assert (answer.status, answer.code) == (413, "body_too_large")


@pytest.mark.parametrize(("path", "most"), [(BATCH, 500), (NATIVE, 1000)])
def test_too_many_events(stack: Running, path: str, most: int) -> None:
    events = [{"event_type": "page_view"}] * (most + 1)
    answer = post(stack, {"events": events}, path)
    assert (answer.status, answer.code) == (413, "too_many_events")
    assert post(stack, {"events": events[1:]}, path).status == 422


def test_one_event_too_large_is_one_rejected_event(stack: Running) -> None:
    large = good(properties={"a": "x" * 70_000})
    answer = post(stack, [good(), large])
    assert answer.status == 202
    assert [(one["index"], one["code"]) for one in answer.json["rejected"]] == [
        (1, "event_too_large")
    ]
    alone = post(stack, large, SINGLE)
    assert (alone.status, alone.code) == (422, "event_too_large")


@pytest.mark.parametrize("depth", [33, DEEP])
def test_one_event_too_deep_is_one_rejected_event(stack: Running, depth: int) -> None:
    deep = with_property(b"[" * depth + b"]" * depth)
    answer = post(stack, b"[" + packed(good()) + b"," + deep + b"]")
    assert answer.status == 202
    assert [(one["index"], one["code"]) for one in answer.json["rejected"]] == [(1, "too_deep")]


def test_a_body_of_brackets_alone(stack: Running) -> None:
    assert post(stack, b"[" * 1_000_000).code == "malformed_json"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (rb'"\u0000"', "nul_character"),
        (rb'{"\u0000":1}', "nul_character"),
        (rb'"\ud800"', "lone_surrogate"),
        (rb'"\udc00\ud800"', "lone_surrogate"),
        (rb'{"\ud800":1}', "lone_surrogate"),
        (b"9" * 10_000, "number_too_long"),
        (b"0." + b"1" * 10_000, "number_too_long"),
        (b"1e999999999", "number_out_of_range"),
        (b"1e-999999999", "number_out_of_range"),
        (b"-1e131072", "number_out_of_range"),
    ],
)
def test_what_jsonb_refuses(stack: Running, text: bytes, code: str) -> None:
    answer = post(stack, with_property(text), SINGLE)
    assert (answer.status, answer.code) == (422, code)


@pytest.mark.parametrize("text", [b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b'"\xf5\x80\x80\x80"'])
def test_invalid_utf8(stack: Running, text: bytes) -> None:
    answer = post(stack, with_property(text), SINGLE)
    assert (answer.status, answer.code) == (400, "invalid_utf8")


def test_nul_in_an_indexed_field(stack: Running) -> None:
    answer = post(stack, good(user_id="a\0b"), SINGLE)
    assert (answer.status, answer.code) == (422, "nul_character")


def test_a_duplicated_field(stack: Running) -> None:
    twice = packed(good())[:-1] + b',"user_id":"a","user_id":"b"}'
    answer = post(stack, twice, SINGLE)
    assert (answer.status, answer.code) == (422, "duplicate_field")
    assert answer.json["field"] == "user_id"


def test_a_duplicated_property(stack: Running) -> None:
    declared = packed(good(properties={"price": "HERE"}))
    answer = post(stack, declared.replace(b'"HERE"', b'1,"price":2'), SINGLE)
    assert (answer.status, answer.code) == (422, "duplicate_field")
    assert answer.json["field"] == "properties.price"
    other = packed(good(properties={"a": "HERE"})).replace(b'"HERE"', b'1,"a":2')
    (event_id,) = post(stack, other).json["event_ids"]
    until(lambda: event_id in stack.stored(), 20, "stored")
    with psycopg.connect(stack.run.dsn) as client:
        query = "SELECT properties FROM event WHERE event_id = %s"
        assert client.execute(query, [event_id]).fetchall() == [({"a": 2},)]


def test_a_batch_of_which_every_event_is_bad(stack: Running) -> None:
    for path in (BATCH, NATIVE):
        answer = post(stack, {"events": [{}, {"event_type": "?"}, 1]}, path)
        assert (answer.status, answer.code) == (422, "no_acceptable_event")
        told = [(one["index"], one["code"]) for one in answer.json["rejected"]]
        assert [index for index, _ in told] == [0, 1, 2]
        assert told[2] == (2, "not_an_object")


@pytest.mark.parametrize(
    ("timestamp", "code"),
    [
        ("yesterday", "invalid_timestamp"),
        ("2026-01-01 00:00:00Z", "invalid_timestamp"),
        ("2000-01-01T00:00:00Z", "timestamp_too_old"),
        ("2199-01-01T00:00:00Z", "timestamp_too_new"),
        ("infinity", "invalid_timestamp"),
    ],
)
def test_timestamps(stack: Running, timestamp: str, code: str) -> None:
    answer = post(stack, good(timestamp=timestamp), SINGLE)
    assert (answer.status, answer.code) == (422, code)
