"""The admin process: who may ask, what it tells, and projects that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.wire import SINGLE, good, post
from tests.running import NO_TLS, until

if TYPE_CHECKING:
    from tests.running import Running

ROUTES = ("/livez", "/readyz", "/metrics")
PROJECT = "/api/v1/project"


def admin(stack: Running, path: str, **headers: str) -> httpx.Response:
    bearer = {"Authorization": f"Bearer {stack.run.admin_token}"}
    return httpx.get(stack.run.admin_url + path, headers=bearer | headers, verify=NO_TLS)


def make(stack: Running, fields: object, token: str | None = None) -> httpx.Response:
    bearer = {"Authorization": f"Bearer {token or stack.run.admin_token}"}
    return httpx.post(stack.run.url + PROJECT, json=fields, headers=bearer, verify=NO_TLS)


@pytest.mark.parametrize("path", [*ROUTES, "/", "/nothing"])
def test_nobody_without_the_token(stack: Running, path: str) -> None:
    assert httpx.get(stack.run.admin_url + path).status_code == 401
    for wrong in ("Bearer guess", stack.run.admin_token):  # after ten of them in a minute 429
        assert admin(stack, path, Authorization=wrong).status_code in {403, 429}


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1:1", "localhost.evil:80"])
def test_no_name_that_somebody_points_here(stack: Running, host: str) -> None:
    assert admin(stack, "/livez", Host=host).status_code == 403


def test_names_of_this_machine(stack: Running) -> None:
    for name in ("127.0.0.1", "localhost"):
        assert admin(stack, "/livez", Host=f"{name}:{stack.admin_port}").status_code == 200


def test_every_part_is_ready(stack: Running) -> None:
    answer = admin(stack, "/readyz")
    assert answer.status_code == 200, answer.text
    parts = answer.json()["parts"]
    assert [part["name"] for part in parts] == [
        "postgresql",
        "valkey",
        "worker-0",
        "worker-1",
        "consumer-0",
        "consumer-1",
        "partitions",
    ]
    assert {part["warning"] for part in parts} == {""}
    assert {part["reason"] for part in parts} == {""}
    assert parts[1]["detail"].startswith("ack fsync, ")
    assert parts[1]["detail"].endswith(" MiB used of 1024 MiB")


def test_metrics_are_those_of_all_workers(stack: Running) -> None:
    before = counted(stack, "ingest_events_accepted_total", route=SINGLE)
    for _ in range(20):
        assert post(stack, good(), SINGLE).status == 202
    assert counted(stack, "ingest_events_accepted_total", route=SINGLE) == before + 20
    post(stack, {"event_type": "?"}, SINGLE)
    assert counted(stack, "ingest_events_rejected_total", code="unknown_event_type") >= 1
    assert counted(stack, "ingest_requests_total", route=SINGLE, status="422") >= 1


def test_a_project_is_made_and_its_key_works_within_two_seconds(stack: Running) -> None:
    name = f"shop {uuid4()}"
    answer = make(stack, {"name": name, "plan": "pro"})
    assert answer.status_code == 200, answer.text
    project = answer.json()
    assert set(project) == {"project_id", "name", "plan", "api_key", "created_at"}
    assert (project["name"], project["plan"]) == (name, "pro")
    key = project["api_key"]
    until(lambda: post(stack, good(), X_Api_Key=key).status == 202, 2, "the key is known")
    until(lambda: UUID(project["project_id"]) in projects(stack), 20, "stored for the project")


def test_a_revoked_key_is_forbidden_within_two_seconds(stack: Running) -> None:
    project = make(stack, {"name": f"gone {uuid4()}", "plan": "unlimited"}).json()
    key = project["api_key"]
    until(lambda: post(stack, good(), X_Api_Key=key).status == 202, 2, "the key is known")
    with psycopg.connect(stack.run.dsn) as connection:
        connection.execute(
            "UPDATE api_key SET revoked_at = now() WHERE project_id = %s",
            (project["project_id"],),
        )
    until(lambda: post(stack, good(), X_Api_Key=key).status == 403, 2, "the key is refused")
    answers = [post(stack, good(), X_Api_Key=key) for _ in range(6)]
    until(lambda: all(post(stack, good(), X_Api_Key=key).status == 403 for _ in answers), 2, "all")
    assert post(stack, good(), X_Api_Key=key).code == "key_revoked"


def test_a_name_is_taken_once(stack: Running) -> None:
    name = f"one {uuid4()}"
    assert make(stack, {"name": name}).status_code == 200
    answer = make(stack, {"name": name})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "ab"},
        {"name": "x" * 101},
        {"name": 5},
        {"name": "a\u0000bc"},
        {"name": "a\nbc"},
        {"name": "   "},
        {"name": " shop"},
        {"name": "shop "},
        {"name": "\u00a0shop"},
        {"name": "shop", "plan": "gold"},
        {"name": "shop", "plan": None},
    ],
)
def test_fields_that_are_not_valid(stack: Running, fields: dict[str, Any]) -> None:
    answer = make(stack, fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_project")


def test_a_body_that_is_none(stack: Running) -> None:
    bearer = {"Authorization": f"Bearer {stack.run.admin_token}"}
    for body, media, code in (
        (b"{", "application/json", "invalid_request"),
        (b"[]", "application/json", "invalid_request"),
        (b"{}", "text/plain", "unsupported_media_type"),
    ):
        headers = bearer | {"Content-Type": media}
        answer = httpx.post(stack.run.url + PROJECT, content=body, headers=headers)
        assert answer.json()["code"] == code


def test_projects_need_the_token(stack: Running) -> None:
    assert httpx.post(stack.run.url + PROJECT, json={"name": "shop"}).status_code == 401
    assert make(stack, {"name": "shop"}, "guess").status_code == 403
    assert make(stack, {"name": "shop"}, stack.run.api_key).status_code == 403


def counted(stack: Running, name: str, **labels: str) -> float:
    text = admin(stack, "/metrics").text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def projects(stack: Running) -> set[UUID]:
    with psycopg.connect(stack.run.dsn) as connection:
        return {row[0] for row in connection.execute("SELECT DISTINCT project_id FROM event")}
