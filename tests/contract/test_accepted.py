"""Every shape of success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.contract.wire import BATCH, INGEST, NATIVE, SINGLE, Answer, good, post
from tests.running import until

if TYPE_CHECKING:
    from tests.running import Running

BAD = {"event_type": "page_view"}


def accepted(answer: Answer) -> Any:
    assert answer.status == 202, answer
    assert answer.headers["ingest-ack"] == "fsync"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert answer.json["status"] == "accepted"
    return answer.json


def test_a_single_event(stack: Running) -> None:
    told = accepted(post(stack, good(), SINGLE))
    assert set(told) == {"status", "event_id"}
    assert UUID(told["event_id"]).version == 7
    until(lambda: told["event_id"] in stack.stored(), 20, "stored")


@pytest.mark.parametrize("path", [BATCH, NATIVE])
def test_a_batch(stack: Running, path: str) -> None:
    told = accepted(post(stack, {"events": [good(), good()]}, path))
    assert told["accepted"] == 2
    assert told["rejected"] == []
    assert len(set(told["event_ids"])) == 2
    until(lambda: set(told["event_ids"]) <= set(stack.stored()), 20, "stored")


@pytest.mark.parametrize("body", [good(), [good()], {"events": [good()]}])
def test_the_native_route_takes_three_shapes(stack: Running, body: object) -> None:
    assert accepted(post(stack, body))["accepted"] == 1


@pytest.mark.parametrize("path", [BATCH, NATIVE])
def test_a_batch_is_taken_event_by_event(stack: Running, path: str) -> None:
    told = accepted(post(stack, {"events": [BAD, good(), BAD]}, path))
    assert told["accepted"] == len(told["event_ids"]) == 1
    assert [one["index"] for one in told["rejected"]] == [0, 2]
    assert set(told["rejected"][0]) == {"index", "code", "field", "message"}


def test_strict_takes_all_or_nothing(stack: Running) -> None:
    wanted, refused = str(uuid4()), str(uuid4())
    body = {"events": [good(event_id=refused), BAD]}
    answer = post(stack, body, f"{NATIVE}?strict=true")
    assert (answer.status, answer.code) == (422, "strict_rejected")
    assert [one["index"] for one in answer.json["rejected"]] == [1]
    accepted(post(stack, [good(event_id=wanted)], f"{NATIVE}?strict=true"))
    until(lambda: wanted in stack.stored(), 20, "stored")
    assert refused not in stack.stored()


@pytest.mark.parametrize("path", INGEST)
def test_minimal_leaves_out_the_ids(stack: Running, path: str) -> None:
    body = good() if path == SINGLE else {"events": [good()]}
    answer = post(stack, body, path, Prefer="return=minimal")
    assert not {"event_id", "event_ids"} & set(accepted(answer))
    assert answer.headers["preference-applied"] == "return=minimal"


def test_minimal_never_leaves_out_what_was_rejected(stack: Running) -> None:
    told = accepted(post(stack, [good(), BAD], Prefer="return=minimal"))
    assert [one["index"] for one in told["rejected"]] == [1]


def test_a_retry_under_the_same_key_has_the_same_ids_and_is_stored_once(stack: Running) -> None:
    key, body = str(uuid4()), {"events": [good(), good(user_id="b")]}
    first, second = (
        accepted(post(stack, body, BATCH, Idempotency_Key=key))["event_ids"] for _ in range(2)
    )
    assert first == second
    until(lambda: set(first) <= set(stack.stored()), 20, "stored")
    stored = stack.stored()
    assert [stored.count(one) for one in first] == [1, 1]


def test_another_body_under_the_same_key_is_other_events(stack: Running) -> None:
    key = str(uuid4())
    first = accepted(post(stack, good(user_id="a"), SINGLE, Idempotency_Key=key))
    second = accepted(post(stack, good(user_id="b"), SINGLE, Idempotency_Key=key))
    assert first["event_id"] != second["event_id"]


def test_the_clients_own_id_wins_and_is_stored_once(stack: Running) -> None:
    own = good(event_id=str(uuid4()))
    for _ in range(2):
        assert accepted(post(stack, own, SINGLE))["event_id"] == own["event_id"]
    until(lambda: own["event_id"] in stack.stored(), 20, "stored")
    assert stack.stored().count(str(own["event_id"])) == 1


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_key_may_come_as_a_bearer_token(stack: Running, scheme: str) -> None:
    given = f"{scheme} {stack.run.api_key}"
    accepted(post(stack, good(), X_Api_Key=None, Authorization=given))


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=UTF-8", "Application/JSON", "application/cloudevents+json"],
)
def test_json_by_other_names(stack: Running, content_type: str) -> None:
    accepted(post(stack, good(), Content_Type=content_type))


def test_text_that_is_not_ascii_comes_back_equal(stack: Running) -> None:
    text = "ключ 🗝 \a"
    own = good(event_id=str(uuid4()), user_id=text, properties={text: text})
    accepted(post(stack, own))
    until(lambda: own["event_id"] in stack.stored(), 20, "stored")
    with psycopg.connect(stack.run.dsn) as client:
        query = "SELECT user_id, properties FROM event WHERE event_id = %s"
        row = client.execute(query, [own["event_id"]]).fetchone()
    assert row == (text, {text: text})


def test_a_request_id_of_the_client_comes_back(stack: Running) -> None:
    assert post(stack, good(), X_Request_Id="abc-123").headers["x-request-id"] == "abc-123"
