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
anything: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | texts | st.just([])
)
#: Values about each property's bounds; one in five is anything.
near = {
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
properties = st.fixed_dictionaries(
    {}, optional={name: value | anything for name, value in near.items()}
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """A good event with some members changed, added or taken away."""
    event_type = draw(st.sampled_from(list(REQUIRED)))
    event = Workload(draw(st.integers(0, 2**32)), NOW).event(event_type)
    event["properties"] |= draw(properties)
    event |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "event_type": st.sampled_from([*REQUIRED, "other", "", None, 5]),
                "user_id": texts | st.none() | st.integers(),
                "session_id": st.integers(1023, 1025).map(lambda size: "s" * size),
                "properties": properties | st.none() | st.just([]),
                "timestamp": st.sampled_from(["2026-11-23T12:00:00Z", "yesterday", ""]),
            },
        )
    )
    for name in draw(st.sets(st.sampled_from([*event, "extra"]), max_size=1)):
        event = {key: value for key, value in event.items() if key != name}
        event |= {"extra": 1} if name == "extra" else {}
    return event


@settings(max_examples=300)
@given(st.lists(events(), min_size=1, max_size=10))
def test_same_verdict_as_pydantic(sent: list[dict[str, Any]]) -> None:
    body = json.dumps({"events": sent})
    refused = [index for index, _ in checked(body, NOW)[1]]
    batch = encode(ENCODER, body, SHAPE_BATCH)
    assert [index for index, *_ in batch.rejections] == refused
    assert batch.status == (422 if len(refused) == len(sent) else 202)
