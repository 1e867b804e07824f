"""Which dead letters a request means."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from ingest.admin import letter_fields
from ingest.media import Refusal
from ingest.store.kept_letters import Pick

PROJECT = "0193a1b2-0000-7000-8000-000000000001"


def test_every_filter() -> None:
    given = {"ids": [3, 1], "project_id": PROJECT, "code": "23514", "shard": 2}
    times = {"since": "2026-11-25T10:00:00Z", "until": "2026-11-25T11:00"}
    assert letter_fields.pick(given | times) == Pick(
        ids=[3, 1],
        project_id=UUID(PROJECT),
        code="23514",
        shard=2,
        since=datetime(2026, 11, 25, 10, tzinfo=UTC),
        until=datetime(2026, 11, 25, 11, tzinfo=UTC),
    )
    assert letter_fields.pick({}) == Pick()
    assert letter_fields.pick({"shard": "0"}) == Pick(shard=0)


def test_a_project_is_named_or_given_by_its_id() -> None:
    assert letter_fields.pick({"project": "shop"}) == Pick(project="shop")
    assert letter_fields.pick({"project": PROJECT}) == Pick(project_id=UUID(PROJECT))


@pytest.mark.parametrize(
    "fields",
    [
        {"id": 1},
        {"ids": []},
        {"ids": "1"},
        {"ids": [True]},
        {"ids": [-1]},
        {"ids": [1.5]},
        {"ids": [2**63]},
        {"ids": list(range(1001))},
        {"shard": "x"},
        {"shard": 1024},
        {"shard": "1_0"},
        {"code": ""},
        {"code": "a\u0000"},
        {"code": 5},
        {"code": "x" * 101},
        {"project_id": "shop"},
        {"project_id": ["a"]},
        {"project": ""},
        {"project": ["a"]},
        {"project": PROJECT, "project_id": "0193a1b2-0000-7000-8000-000000000002"},
        {"since": "yesterday"},
        {"until": 5},
    ],
)
def test_what_is_not_a_filter(fields: dict[str, object]) -> None:
    with pytest.raises(Refusal) as refused:
        letter_fields.pick(fields)
    assert refused.value.code == "invalid_request"


def test_all_must_be_said() -> None:
    assert letter_fields.pick_to_change({"all": True}) == Pick()
    assert letter_fields.pick_to_change({"shard": 0}) == Pick(shard=0)
    for fields in ({}, {"all": False}, {"all": 1}, {"all": "true"}, {"ids": None}):
        with pytest.raises(Refusal):
            letter_fields.pick_to_change(fields)
