"""The built-in rules beside the same rules as pydantic models: the same verdict on every event."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ingest._native import SHAPE_BATCH

from bench.micro.models import REQUIRED, checked
from bench.workload import Workload
from tests.unit.native.kernel import NOW, builtin, encode

ENCODER = builtin()

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120)
urls = st.sampled_from(
    ["http://a", "HTTPS://a.b:80/c?d#e", "ftp://a", "//a", "https://", "http://a b", "http://ä/ö"]
)
#: Exponents beyond ±308 have a bound of their own, which pydantic has not.
numbers = st.integers() | st.floats(-1e9, 1e9).map(lambda value: round(value, 9))
anything: st.SearchStrategy[Any] = st.none() | st.booleans() | numbers | texts | st.just([])
#: Values about the bounds of each property.
near: dict[str, st.SearchStrategy[Any]] = {
    "page_url": urls | st.integers(2060, 2080).map(lambda size: "http://a/" + "x" * size),
    "product_id": texts | st.just(""),
    "product_name": st.integers(499, 501).map(lambda size: "é" * size),
    "category": st.integers(199, 201).map(lambda size: "x" * size),
    "price": st.sampled_from([0, 0.0, -0.0, 1e-300, 1, 1_000_000, 1_000_000.5, True]),
    "quantity": st.sampled_from([0, 1, 10_000, 10_001, 5.0, False]),
    "currency": st.sampled_from(["EUR", "eur", "EURO", "E", "", "ÄÖÜ", "EUR\n"]),
    "country": st.sampled_from(["DE", "de", "D", "", "DEU"]),
    "device_type": st.sampled_from(["mobile", "desktop", "tablet", "phone", ""]),
    "browser": st.integers(99, 101).map(lambda size: "😀" * size),
    "unknown": anything,
}
#: The same of each member of the envelope.
envelope: dict[str, st.SearchStrategy[Any]] = {
    "event_type": st.sampled_from([*REQUIRED, "other", "", None, 5]),
    "user_id": texts | st.none() | st.integers(),
    "session_id": st.integers(1023, 1025).map(lambda size: "s" * size),
    "properties": st.sampled_from([{}, [], None, "x"]),
    "timestamp": st.sampled_from(["2026-11-23T12:00:00Z", "yesterday", ""]),
    "extra": anything,
}


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """A good event with at most one property and, one time in four, one envelope member changed.

    With more changes nearly all would be refused for the first of them, and the rest go untested.
    """
    event = Workload(draw(st.integers(0, 2**32)), NOW).event(draw(st.sampled_from(list(REQUIRED))))
    name = draw(st.sampled_from([*near, None]))
    if name is not None:
        event["properties"][name] = draw(near[name] if draw(st.integers(0, 3)) else anything)
    changed = draw(st.sampled_from([*envelope, *[None] * 18]))
    if changed is not None:
        event[changed] = draw(envelope[changed])
    gone = draw(st.sampled_from([*event, *[None] * 20]))
    return {key: value for key, value in event.items() if key != gone}


@settings(max_examples=1000)
@given(st.lists(events(), min_size=1, max_size=5))
def test_same_verdict_as_pydantic(sent: list[dict[str, Any]]) -> None:
    body = json.dumps({"events": sent})
    refused = [index for index, _ in checked(body, NOW)[1]]
    batch = encode(ENCODER, body, SHAPE_BATCH)
    assert [index for index, *_ in batch.rejections] == refused
    assert batch.status == (422 if len(refused) == len(sent) else 202)
