"""The document is compared with the routes that a worker really has."""

from __future__ import annotations

from typing import Any

import pytest
from ingest._native import Limits, Schema
from ingest.api import docs, openapi
from ingest.api.server import Worker
from ingest.problems import PROBLEMS
from ingest.settings import Settings
from pydantic import SecretStr

BOUNDS = Limits(max_batch_events=7)
DOCUMENT = openapi.document(Schema.builtin(), BOUNDS, "1.2.3", ["free", "team"])
# Made by the admin process, behind the edge.
ELSEWHERE = {("POST", "/api/v1/project")}


@pytest.fixture
def worker() -> Worker:
    settings = Settings(
        edge_secret=SecretStr("secret-of-the-edge"),
        valkey_url="redis://127.0.0.1:1",
        database_url="postgresql://127.0.0.1:1/nothing",
    )
    return Worker(settings, 0)


def test_the_document_has_the_public_routes_and_no_other(worker: Worker) -> None:
    running = {
        (route.method, route.path) for route in worker.routes if not route.path.startswith("/-/")
    }
    told = {
        (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert told == running | ELSEWHERE


def test_every_reference_leads_somewhere() -> None:
    known = DOCUMENT["components"]["schemas"]
    for reference in references(DOCUMENT):
        assert reference.removeprefix("#/components/schemas/") in known


def test_every_status_of_a_problem_is_told() -> None:
    told = set(DOCUMENT["paths"]["/v1/events"]["post"]["responses"])
    elsewhere = {"404", "405", "409", "429", "500"}  # pages and admin
    assert {str(one.status) for one in PROBLEMS.values()} <= told | elsewhere


def test_bounds_and_types_are_those_in_use() -> None:
    shapes = DOCUMENT["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    assert shapes["application/json"]["schema"]["oneOf"][1]["maxItems"] == 7
    event = DOCUMENT["components"]["schemas"]["Event"]["properties"]
    assert event["event_type"]["enum"] == list(Schema.builtin().event_types)


def test_the_page_names_every_route_and_loads_nothing() -> None:
    page = docs.page(DOCUMENT)
    for path in DOCUMENT["paths"]:
        assert f" {path}</code>" in page
    assert "src=" not in page
    assert "http://" not in page.replace("https://example.com/", "")
    assert "<script" not in page


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [found for value in part.values() for found in references(value)]
    if isinstance(part, list):
        return [found for value in part for found in references(value)]
    return []
