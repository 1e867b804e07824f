"""What can be read through the edge, and what can't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from ingest.api import openapi

if TYPE_CHECKING:
    from tests.running import Running


def test_health(stack: Running) -> None:
    answer = httpx.get(f"{stack.run.url}/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "ack": "fsync"}
    assert httpx.head(f"{stack.run.url}/health").status_code == 200


def test_docs(stack: Running) -> None:
    answer = httpx.get(f"{stack.run.url}/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for path in document(stack)["paths"]:
        assert path in answer.text


def test_every_documented_route_is_there(stack: Running) -> None:
    for path, methods in document(stack)["paths"].items():
        for method in methods:
            answer = httpx.request(method, stack.run.url + path)
            assert answer.status_code not in {404, 405, 500, 502}, (method, path)


def test_a_worker_answers_nobody_but_the_edge(stack: Running) -> None:
    for url in worker_urls(stack):
        for path in ("/health", "/-/ready", "/-/metrics", "/v1/events", "/nothing"):
            answer = httpx.get(url + path, headers={"X-Ingest-Edge": "guess"})
            assert answer.status_code == 403
            assert answer.json()["code"] == "forbidden"


def test_a_secret_of_the_edge_that_a_client_sends_is_not_its_own(stack: Running) -> None:
    answer = httpx.get(f"{stack.run.url}/health", headers={"X-Ingest-Edge": "guess"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/-/ready", "/-/metrics", "/metrics", "/readyz", "/livez"])
def test_private_routes_are_not_reached_from_outside(stack: Running, path: str) -> None:
    assert httpx.get(stack.run.url + path).status_code == 404


def document(stack: Running) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(f"{stack.run.url}/docs/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert set(openapi.WHEN) <= set(told["paths"]["/v1/events"]["post"]["responses"])
    return told


def worker_urls(stack: Running) -> list[str]:
    parts = httpx.get(
        f"{stack.run.admin_url}/readyz",
        headers={"Authorization": f"Bearer {stack.run.admin_token}"},
    ).json()["parts"]
    urls = [part["detail"] for part in parts if part["name"].startswith("worker-")]
    assert len({urlsplit(url).port for url in urls}) == 2
    return urls
