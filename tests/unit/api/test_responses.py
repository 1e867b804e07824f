"""What a client is told of an append that failed."""

from __future__ import annotations

import json

import pytest
from ingest.api import responses
from ingest.errors import IngestError, OutcomeUnknown, Overloaded, ShardMissing, StreamRefused
from ingest.problems import PROBLEMS
from ingest.stream.durability import AckLevel


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Overloaded("full", 3.0), "overloaded"),
        (OutcomeUnknown("lost"), "outcome_unknown"),
        (ShardMissing("none"), "shard_missing"),
        (StreamRefused("stream_full", "OOM"), "stream_full"),
        (IngestError("?"), "internal_error"),
    ],
)
def test_each_error_has_its_code(error: IngestError, code: str) -> None:
    assert responses.code_of(error) == code
    assert code in PROBLEMS


def test_a_problem_says_when_to_come_back_and_no_secret() -> None:
    response = responses.not_appended("stream_full", 2.1)
    assert response.status_code == 503
    assert response.headers.get("Retry-After") == "3"
    assert response.headers.get("Content-Type") == "application/problem+json"
    told = json.loads(response.description)
    assert told["type"] == "urn:ingest:stream_full"
    assert told["detail"] == told["message"] == PROBLEMS["stream_full"].message


def test_an_acknowledgement_names_its_level() -> None:
    for level in AckLevel:
        response = responses.accepted(b"{}", level, is_minimal=False)
        assert response.status_code == 202
        assert response.headers.get("Ingest-Ack") == level
        assert response.headers.get("Preference-Applied") is None
        minimal = responses.accepted(b"{}", level, is_minimal=True)
        assert minimal.headers.get("Preference-Applied") == "return=minimal"


def test_every_refusal_of_a_head_has_an_answer() -> None:
    for code, response in responses.REFUSALS.items():
        assert response.status_code == PROBLEMS[code].status
        assert json.loads(response.description)["code"] == code
