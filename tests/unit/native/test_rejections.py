"""Every reason for a refusal: bodies that cause it and nothing else; the exported table."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ingest._native import REJECT_CODES, SHAPE_BATCH, SHAPE_EVENT, SHAPE_NATIVE

from tests.unit.native.kernel import answer, builtin, encode

EVENT: dict[str, Any] = {
    "event_type": "page_view",
    "timestamp": "2026-11-23T12:00:00Z",
    "properties": {},
}


def event(**changes: Any) -> str:
    """A good event with some members changed."""
    return json.dumps(EVENT | changes)


def without(name: str) -> str:
    """A good event with a member less."""
    return json.dumps({key: value for key, value in EVENT.items() if key != name})


def properties(**members: Any) -> str:
    """A good event with these properties."""
    return event(properties=members)


def raw_properties(text: str) -> str:
    """A good event with this text as its properties."""
    return event(properties=0).replace('"properties": 0', f'"properties": {text}')


def deep(levels: int) -> str:
    """A good event with `levels` open arrays and objects at its deepest, itself counted."""
    return raw_properties('{"k":' + "[" * (levels - 2) + "]" * (levels - 2) + "}")


UUID_NIL = "00000000-0000-0000-0000-000000000000"
UUID_MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff"

#: code -> (field, bodies), each one event.
BY_EVENT: dict[str, list[tuple[str, str | bytes]]] = {
    "not_an_object": [("", "5"), ("", "[]"), ("", '"x"'), ("", "null")],
    "missing_field": [
        ("event_type", without("event_type")),
        ("timestamp", without("timestamp")),
        ("properties", without("properties")),
        ("properties.product_id", event(event_type="product_view")),
        ("properties.price", event(event_type="purchase", properties={"product_id": "p"})),
        ("properties.product_id", event(event_type="add_to_cart", properties={"product_id": None})),
    ],
    "unknown_field": [("extra", event(extra=1)), ("Event_type", event(Event_type="page_view"))],
    "duplicate_field": [
        ("timestamp", event()[:-1] + ',"timestamp":"2026-11-23T12:00:00Z"}'),
        ("event_type", event()[:-1] + ',"\\u0065vent_type":"page_view"}'),
        ("properties.price", raw_properties('{"price":1,"price":2}')),
        ("properties.price", raw_properties('{"price":1,"\\u0070rice":1}')),
    ],
    "wrong_type": [
        ("event_type", event(event_type=5)),
        ("event_type", event(event_type=None)),
        ("timestamp", event(timestamp=1_700_000_000)),
        ("timestamp", event(timestamp=None)),
        ("user_id", event(user_id=7)),
        ("session_id", event(session_id=[])),
        ("event_id", event(event_id=1)),
        ("properties", event(properties=[])),
        ("properties", event(properties=None)),
        ("properties.price", properties(price="12")),
        ("properties.price", properties(price=True)),
        ("properties.quantity", properties(quantity=5.0)),
        ("properties.quantity", raw_properties('{"quantity":1e1}')),
        ("properties.category", properties(category={})),
    ],
    "unknown_event_type": [
        ("event_type", event(event_type=name)) for name in ("x", "", "Page_view")
    ],
    "invalid_timestamp": [
        ("timestamp", event(timestamp=text))
        for text in (
            "",
            "now",
            "2026-11-23",
            "2026-11-23 12:00:00Z",
            "2026-11-23T12:00Z",
            "2026-11-23T12:00:60Z",
            "2026-11-23T24:00:00Z",
            "2026-02-29T12:00:00Z",
            "2026-11-23T12:00:00.Z",
            "2026-11-23T12:00:00.1234567890Z",
            "2026-11-23T12:00:00+0100",
            "2026-11-23T12:00:00+24:00",
            "2026-11-23T12:00:00Z ",
            "\uff12026-11-23T12:00:00Z",
        )
    ],
    "timestamp_too_old": [
        ("timestamp", event(timestamp="2026-10-24T12:34:56.789011Z")),
        ("timestamp", event(timestamp="0001-01-01T00:00:00Z")),
    ],
    "timestamp_too_new": [
        ("timestamp", event(timestamp="2026-11-23T12:39:56.789013Z")),
        ("timestamp", event(timestamp="9999-12-31T23:59:59Z")),
    ],
    "invalid_event_id": [
        ("event_id", event(event_id=text))
        for text in (
            "",
            "x",
            UUID_NIL,
            UUID_MAX,
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
        )
    ],
    "out_of_range": [
        ("properties.price", properties(price=0)),
        ("properties.price", properties(price=-100)),
        ("properties.price", properties(price=1_000_000.01)),
        ("properties.price", raw_properties('{"price":1000000.0000000000000001}')),
        ("properties.quantity", properties(quantity=0)),
        ("properties.quantity", properties(quantity=10_001)),
    ],
    "too_long": [
        ("user_id", event(user_id="x" * 1025)),
        ("session_id", event(session_id="é" * 513)),
        ("properties.product_id", properties(product_id="x" * 101)),
        ("properties.product_name", properties(product_name="é" * 501)),
        ("properties.page_url", properties(page_url="https://e.com/" + "x" * 2070)),
    ],
    "too_short": [("properties.product_id", properties(product_id=""))],
    "pattern_mismatch": [
        ("properties.currency", properties(currency=text))
        for text in ("", "EU", "EURO", "eur", "EUR\n", "ÄÖÜ")
    ],
    "not_in_enum": [("properties.device_type", properties(device_type="phone"))],
    "invalid_url": [
        ("properties.page_url", properties(page_url=text))
        for text in ("", "example.com", "ftp://example.com", "https://", "https://a b/", "http:/x")
    ],
    "event_too_large": [("", properties(blob="x" * 65_536))],
    "too_deep": [("properties.k", deep(33)), ("properties.k", deep(30_000))],
    "number_too_long": [
        ("properties.n", raw_properties(f'{{"n":{"1" * 101}}}')),
        ("properties.n", raw_properties(f'{{"n":0.{"1" * 100}}}')),
        ("properties.n", raw_properties(f'{{"n":{"9" * 10_000}}}')),
    ],
    "number_out_of_range": [
        ("properties.n", raw_properties(f'{{"n":{text}}}'))
        for text in ("1e309", "1e-309", "[1E+99999999999999999999]", '{"x":-1e400}')
    ],
    "nul_character": [
        ("properties.k", properties(k="a\0b")),
        ("properties.k\0", properties(**{"k\0": 1})),
        ("properties.k", properties(k=[{"\0": 1}])),
        ("user_id", event(user_id="\0")),
    ],
    "lone_surrogate": [
        ("properties.k", properties(k="\ud800")),
        ("properties.k", raw_properties('{"k":"\\udc00\\ud800"}')),
        ("properties.k", raw_properties('{"k":"\\ud800\\u0041"}')),
        ("properties.k", properties(k={"\udfff": 1})),
        ("user_id", event(user_id="\udbff")),
    ],
}

#: code -> (status, shape, body, options): what refuses a whole body.
BY_BODY: dict[str, tuple[int, int, str | bytes, dict[str, Any]]] = {
    "malformed_json": (400, SHAPE_BATCH, '{"events":[{]}', {}),
    "invalid_utf8": (400, SHAPE_EVENT, event().encode() + b"\xff", {}),
    "body_too_large": (413, SHAPE_EVENT, event() + " " * (1 << 20), {}),
    "too_many_events": (413, SHAPE_NATIVE, f"[{','.join([event()] * 1001)}]", {}),
    "missing_events": (422, SHAPE_BATCH, "{}", {}),
    "empty_batch": (422, SHAPE_BATCH, '{"events":[]}', {}),
    "invalid_idempotency_key": (400, SHAPE_EVENT, event(), {"idempotency_key": "x" * 256}),
    "no_acceptable_event": (422, SHAPE_NATIVE, "[5]", {}),
    "strict_rejected": (422, SHAPE_NATIVE, f"[{event()},5]", {"strict": True}),
}

CASES = [(code, field, body) for code, bodies in BY_EVENT.items() for field, body in bodies]


def test_every_code_is_reached() -> None:
    # timestamp_required needs a schema that lets a timestamp be absent: see test_identity.
    assert {*BY_EVENT, *BY_BODY, "timestamp_required"} == {code for code, _ in REJECT_CODES}


def test_the_table_is_fit_for_print() -> None:
    for code, about in REJECT_CODES:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", code)
        assert about[0].isupper()
        assert not about.endswith(".")


@pytest.mark.parametrize(("code", "field", "body"), CASES)
def test_one_event(code: str, field: str, body: str) -> None:
    batch = encode(builtin(), body, SHAPE_EVENT)
    assert (batch.status, batch.code, batch.rows, batch.nbytes) == (422, code, 0, 0)
    told = answer(batch)
    assert (told["status"], told["code"], told.get("field", "")) == (422, code, field)
    assert told["message"] == told["detail"]


@pytest.mark.parametrize(("code", "field", "body"), CASES)
def test_between_good_neighbours(code: str, field: str, body: str) -> None:
    batch = encode(builtin(), f'{{"events":[{event()},{body},{event()}]}}', SHAPE_BATCH)
    assert (batch.status, batch.rows, batch.reject_counts) == (202, 2, [(code, 1)])
    ((index, found, path, message),) = batch.rejections
    assert (index, found, path) == (1, code, field)
    assert answer(batch)["rejected"] == [
        {"index": 1, "code": code, "field": field, "message": message}
    ]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("no_acceptable_event", "no event was accepted: 1 of 1 rejected"),
        ("strict_rejected", "no event was accepted, as strict asks: 1 of 2 rejected"),
    ],
)
def test_how_many_were_rejected_is_told(code: str, told: str) -> None:
    _, shape, body, options = BY_BODY[code]
    assert answer(encode(builtin(), body, shape, **options))["message"] == told


@pytest.mark.parametrize("code", BY_BODY)
def test_whole_body(code: str) -> None:
    status, shape, body, options = BY_BODY[code]
    batch = encode(builtin(), body, shape, **options)
    assert (batch.status, batch.code, batch.rows, batch.nbytes) == (status, code, 0, 0)
    told = answer(batch)
    assert (told["status"], told["code"], told["type"]) == (status, code, f"urn:ingest:{code}")
    assert told["title"] == dict(REJECT_CODES)[code]


@pytest.mark.parametrize(
    "body",
    [
        event(user_id="é" * 512),
        event(timestamp="2026-10-24T12:34:56.789012Z"),
        event(timestamp="2026-11-23T12:39:56.789012Z"),
        event(timestamp="2026-11-23t12:00:00.123456789z"),
        event(timestamp="2026-11-23T12:00:00"),
        event(user_id=None, session_id=None, event_id=None),
        properties(price=1_000_000, quantity=10_000, product_id="é" * 100),
        raw_properties('{"price":1e-300}'),
        raw_properties(f'{{"n":[1e308,-1e-308,{"9" * 100}]}}'),
        properties(price=None, currency=None, page_url=None, device_type=None),
        properties(page_url="HTTPS://user@[::1]:8080/ä?q#f"),
        properties(unknown={"deep": [1, None]}, **{"": ""}),
        deep(32),
    ],
)
def test_the_last_that_is_accepted(body: str) -> None:
    batch = encode(builtin(), body, SHAPE_EVENT)
    assert batch.status == 202, batch.response


def test_malformed_json_names_the_byte() -> None:
    told = answer(encode(builtin(), '{"events": [,]}', SHAPE_BATCH))
    assert "byte 12" in told["message"]


def test_messages_repeat_no_value() -> None:
    batch = encode(builtin(), event(event_type="secret-value"), SHAPE_EVENT)
    assert b"secret-value" not in batch.response
