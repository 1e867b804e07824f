"""Any JSON object as properties, beside orjson and psycopg; any bytes as a body."""

from __future__ import annotations

import json
from uuid import UUID

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ingest._native import SHAPE_BATCH, SHAPE_EVENT, SHAPE_NATIVE, Limits

from tests.unit.native import twin
from tests.unit.native.kernel import (
    NOW_US,
    PROJECT,
    answer,
    builtin,
    encode,
    exact,
    free_form,
    rows,
)

ENCODER = free_form()
STAMP = "2026-11-23T12:00:00Z"

#: What PostgreSQL can hold: any text without NUL and halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
numbers = st.integers(-(10**99), 10**99) | st.floats(
    allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300
).filter(lambda value: value == 0 or abs(value) > 1e-300)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)
objects = st.dictionaries(texts, values, max_size=12)
writings = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from([None, 0, 2]),
        "separators": st.sampled_from([(",", ":"), (" , ", "\t:\r\n")]),
    }
)


@given(objects, writings, texts | st.none(), st.booleans())
def test_properties_arrive_equal(
    properties: dict[str, object],
    writing: dict[str, bool],
    user_id: str | None,
    is_str: bool,
) -> None:
    event = {
        "properties": properties,
        "user_id": user_id,
        "event_type": "a",
        "timestamp": STAMP,
    }
    body = json.dumps(event, **writing)  # type: ignore[arg-type]
    batch = encode(ENCODER, body if is_str else body.encode(), SHAPE_EVENT)
    assert batch.status == 202, batch.response
    (row,) = rows(batch)
    assert exact(row.properties) == exact(json.dumps(properties))
    id_ = UUID(answer(batch)["event_id"])
    assert batch.tuples == twin.of_event(event, id_, PROJECT, NOW_US, row.properties)


@given(objects)
def test_top_keys_come_in_the_order_of_jsonb(properties: dict[str, object]) -> None:
    body = json.dumps({"event_type": "a", "properties": properties}, ensure_ascii=False)
    (row,) = rows(encode(ENCODER, body, SHAPE_EVENT))
    keys = [key.encode() for key in json.loads(row.properties)]
    if not any(json.dumps(key, ensure_ascii=False) != f'"{key}"' for key in properties):
        assert keys == sorted(keys, key=lambda key: (len(key), key))


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf{}")
@example(b'{"event_type":"a","properties":{"\xed\xa0\x80":1}}')
def test_no_bytes_make_it_raise(body: bytes) -> None:
    for shape in (SHAPE_EVENT, SHAPE_BATCH, SHAPE_NATIVE):
        batch = encode(ENCODER, body, shape)
        assert batch.status in {202, 400, 413, 422}
        answer(batch)
        if not is_utf8(body):
            assert batch.code == "invalid_utf8"


@given(st.text(st.characters(), max_size=100))
def test_no_text_makes_it_raise(body: str) -> None:
    batch = encode(ENCODER, body)
    assert batch.status in {202, 400, 422}
    if not is_utf8(body.encode("utf-8", "surrogatepass")):
        assert batch.code == "invalid_utf8"


tokens = st.sampled_from(
    [
        *'{}[],:"0-.e\\ \n',
        '"event_type":"a"',
        '"properties":{',
        "true",
        "null",
        "1e5",
        '"\\u',
        "d800",
        "é",
    ]
)


@given(st.lists(tokens, max_size=30).map("".join))
def test_what_orjson_refuses_is_malformed(text: str) -> None:
    body = f'[{{"event_type":"a","properties":{{"k":{text}}}}}]'
    batch = encode(ENCODER, body)
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        # Halves of surrogate pairs are such a case, with a code of their own here.
        assert batch.code != "accepted"
    else:
        assert batch.code != "malformed_json"


@given(objects, st.data())
def test_a_cut_or_changed_body_is_never_half_accepted(
    properties: dict[str, object], data: st.DataObject
) -> None:
    body = json.dumps([{"event_type": "a", "properties": properties}] * 2).encode()
    cut = data.draw(st.integers(0, len(body) - 1))
    assert encode(ENCODER, body[:cut]).code == "malformed_json"


def test_str_and_bytes_give_the_same_tuples() -> None:
    body = (
        '[{"event_type":"a","event_id":"01890a5d-ac96-774b-bcce-b302099a8057",'
        f'"timestamp":"{STAMP}",'
    )
    for extra in ("", "é", "😀", "\\u00e9"):
        text = body + f'"properties":{{"k{extra}":"{extra}"}}}}]'
        assert encode(ENCODER, text).tuples == encode(ENCODER, text.encode()).tuples != b""


@pytest.mark.parametrize("limit", [2, 3, 10, 64])
def test_depth_is_counted_alike_everywhere(limit: int) -> None:
    encoder = free_form(Limits(max_depth=limit))
    for opening, closing in (("[", "]"), ('{"k":', "}")):
        for inner in (limit - 2, limit - 1):
            value = opening * inner + "null" + closing * inner
            body = f'{{"event_type":"a","properties":{{"k":{value}}}}}'
            is_within = inner <= limit - 2
            assert (encode(encoder, body).code == "accepted") is is_within


def test_an_encoder_keeps_nothing_from_the_last_body() -> None:
    encoder = builtin()
    good = '[{"event_type":"page_view","timestamp":"%s","properties":{}}]' % STAMP  # noqa: UP031
    for bad in (
        '[{"properties":{"a":1,"b":{',
        "[[[[[",
        '{"events":[{"properties":{"price":-1}}',
        "{",
    ):
        assert encode(encoder, bad).rows == 0
        (row,) = rows(encode(encoder, good))
        assert row.properties == "{}"


def is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
