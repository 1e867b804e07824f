"""Notes of refusals: what was refused and why, bounded in number, rate and size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ingest._native import SHAPE_NATIVE, Limits
from ingest.api.refusal_notes import (
    EVENTS,
    ID_CHARACTERS,
    KEPT,
    MESSAGE_CHARACTERS,
    NOTED_PER_S,
    Asker,
    RefusalNotes,
)
from ingest.problems import PROBLEMS
from ingest.store.key_table import Grant

from tests.unit.native import kernel

if TYPE_CHECKING:
    from ingest._native import Batch

GRANT = Grant(bytes(15) + b"\x07", "shop", "free", False)
HEADERS = {"x-request-id": "abc", "x-api-key": "wk_live_secret", "authorization": "Bearer secret"}
ASKER = Asker("/v1/events", HEADERS, GRANT)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notes(clock: Clock) -> RefusalNotes:
    return RefusalNotes(clock)


def refused(*events: object) -> Batch:
    return kernel.builtin().encode(
        json.dumps(events), GRANT.project_id, kernel.NOW_US, SHAPE_NATIVE
    )


def test_a_refused_request_is_told_without_its_key(notes: RefusalNotes) -> None:
    notes.note(Asker("/v1/events", HEADERS, None), "unauthorized", 401)
    (note,) = notes.after(0)
    assert (note["status"], note["code"], note["request_id"]) == (401, "unauthorized", "abc")
    assert note["message"] == PROBLEMS["unauthorized"].message
    assert (note["project"], note["project_id"], note["events"]) == (None, None, [])
    assert "secret" not in json.dumps(note)


def test_rejected_events_are_told_with_their_fields(notes: RefusalNotes) -> None:
    batch = refused({"event_type": "no"}, *([{"secret": "body"}] * 9))
    notes.note(ASKER, batch.code, batch.status, batch)
    (note,) = notes.after(0)
    assert (note["project"], note["project_id"][-4:]) == ("shop", "0007")
    assert (note["code"], note["rejected"]) == ("no_acceptable_event", 10)
    assert len(note["events"]) == EVENTS
    assert note["events"][0] | {"message": ""} == {
        "index": 0,
        "code": "unknown_event_type",
        "field": "event_type",
        "message": "",
    }
    assert "body" not in json.dumps(note)


def test_texts_are_cut(notes: RefusalNotes) -> None:
    batch = kernel.free_form(Limits(max_depth=4)).encode(
        json.dumps([{"event_type": "a", "properties": {"k" * 5000: [[[[[1]]]]]}}]),
        GRANT.project_id,
        kernel.NOW_US,
        SHAPE_NATIVE,
    )
    notes.note(Asker("/", {"x-request-id": "i" * 999}, GRANT), batch.code, batch.status, batch)
    (note,) = notes.after(0)
    assert len(note["request_id"]) == ID_CHARACTERS
    assert len(note["message"]) <= MESSAGE_CHARACTERS
    for event in note["events"]:
        assert max(len(event["field"]), len(event["message"])) <= MESSAGE_CHARACTERS


def test_a_flood_is_counted_and_a_few_are_noted(notes: RefusalNotes, clock: Clock) -> None:
    for _ in range(10_000):
        notes.note(ASKER, "overloaded", 503)
    assert (notes.seen, len(notes.after(0))) == (10_000, NOTED_PER_S)
    for _ in range(KEPT):
        clock.now += 1
        for _ in range(3):
            notes.note(ASKER, "overloaded", 503)
    assert len(notes.after(0)) == KEPT


def test_reading_goes_on_behind_a_number(notes: RefusalNotes) -> None:
    for code in ("overloaded", "draining", "stream_full"):
        notes.note(ASKER, code, 503)
    first, *rest = notes.after(0)
    assert notes.after(first["number"]) == rest
    assert notes.after(rest[-1]["number"]) == []


def test_numbers_of_a_restarted_worker_are_behind_those_before(notes: RefusalNotes) -> None:
    notes.note(ASKER, "draining", 503)
    again = RefusalNotes()
    again.note(ASKER, "draining", 503)
    assert again.after(notes.after(0)[-1]["number"])
