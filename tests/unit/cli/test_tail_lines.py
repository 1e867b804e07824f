"""What `ingest tail` prints: one line each, whatever a client wrote into it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ingest.cli.tail_lines import Wanted, as_json, event_line, refusal_line

PROJECT_ID = "66b39b67-7ba8-4097-9eb3-830d6619e399"


def event(**fields: object) -> dict[str, Any]:
    return {
        "event_id": "019ab3c8-7d3b-7c63-9a4e-2f9d1f0c6a11",
        "project_id": PROJECT_ID,
        "project": "shop",
        "event_type": "page_view",
        "timestamp": "2026-11-20T10:00:00+00:00",
        "received_at": "2026-11-20T12:30:00.250000+00:00",
        "user_id": "ann",
        "session_id": None,
        "properties": '{"n": 1.50}',
        "is_cut": False,
    } | fields


def refusal(**fields: object) -> dict[str, Any]:
    return {
        "at": 1_000_000_000.5,
        "request_id": "abc",
        "project_id": None,
        "project": None,
        "route": "/v1/events",
        "status": 401,
        "code": "unauthorized",
        "message": "a known key is needed",
        "rejected": 0,
        "events": [],
    } | fields


REJECTED = {"index": 3, "code": "invalid_timestamp", "field": "timestamp", "message": "is no time"}


def test_an_event_is_a_line() -> None:
    shown = event_line(event(), 0)
    assert shown == '12:30:00.250  shop  page_view  user_id=ann  {"n": 1.50}'


def test_a_refusal_is_a_line() -> None:
    shown = refusal_line(refusal(), 0)
    assert shown == (
        "01:46:40.500  -  REFUSED 401 unauthorized  /v1/events  a known key is needed  request abc"
    )


def test_rejected_events_tell_the_first_of_them() -> None:
    told = refusal(status=202, code="accepted", project="shop", rejected=7, events=[REJECTED])
    assert refusal_line(told, 0).split("  ")[1:] == [
        *("shop", "REFUSED 7 of its events: invalid_timestamp", "/v1/events"),
        *("timestamp: is no time", "request abc"),
    ]


@pytest.mark.parametrize("wrote", ["\x1b]0;owned\x07", "a\r\nb", "\u202eevil", "\x9b2J"])
def test_what_a_client_wrote_does_not_reach_the_terminal(wrote: str) -> None:
    lines = [
        event_line(event(user_id=wrote, event_type=wrote), 0),
        refusal_line(refusal(message=wrote), 0),
        as_json("event", event(user_id=wrote)),
    ]
    for line in lines:
        assert line.isprintable()


def test_a_line_is_cut_to_the_terminal() -> None:
    shown = event_line(event(properties="x" * 500), 80)
    assert (len(shown), shown[-1]) == (80, "…")


def test_scripts_get_properties_as_json_unless_they_are_cut() -> None:
    text = '{"n": 9.90e308, "m": 1234567890.12345678901234567890, "s": "\u202e😀"}'
    line = as_json("event", event(properties=text))
    told = json.loads(line, parse_float=str)["properties"]
    assert told == {"n": "9.90e308", "m": "1234567890.12345678901234567890", "s": "\u202e😀"}
    assert line.isascii()
    cut = json.loads(as_json("event", event(properties='{"n', is_cut=True)))
    assert (cut["kind"], cut["properties"]) == ("event", '{"n')
    assert json.loads(as_json("refusal", refusal()))["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("wanted", "has_event", "has_refusal"),
    [
        (Wanted(), True, True),
        (Wanted("shop"), True, False),
        (Wanted(PROJECT_ID), True, False),
        (Wanted(PROJECT_ID.replace("-", "").upper()), True, False),
        (Wanted("other"), False, False),
        (Wanted(types=frozenset({"page_view"})), True, False),
        (Wanted(types=frozenset({"invalid_timestamp"})), False, True),
        (Wanted(types=frozenset({"accepted"})), False, True),
        (Wanted("shop", frozenset({"purchase"})), False, False),
    ],
)
def test_filters(wanted: Wanted, has_event: bool, has_refusal: bool) -> None:
    assert wanted.has(event()) is has_event
    assert wanted.has(refusal(code="accepted", events=[REJECTED])) is has_refusal


def test_an_id_never_asks_for_a_project_of_that_name() -> None:
    other = event(project_id="11111111-7ba8-4097-9eb3-830d6619e399", project=PROJECT_ID)
    assert not Wanted(PROJECT_ID).has(other)
    assert Wanted(other["project_id"]).has(other)
