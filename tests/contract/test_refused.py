"""What a client hears while the stream can't take events, and that it goes on by itself."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
from ingest.stream.connection import connect

from tests.contract.wire import INGEST, NATIVE, SINGLE, good, post
from tests.running import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.running import Running

SETTLED_S = 10.0
ACCEPTED = 202


@contextmanager
def configured(stack: Running, name: str, value: str) -> Iterator[None]:
    """Give Valkey another setting for a while, as its operator."""
    with connect(stack.run.valkey_url, name="test") as client:
        before = {str(key): text for key, text in client.config_get(name).items()}
        client.config_set(name, value)
        try:
            yield
        finally:
            client.config_set(name, before[name])


def answers(stack: Running) -> set[tuple[int, str | None]]:
    """Post until every worker will have answered."""
    told = [post(stack, good()) for _ in range(8)]
    return {(one.status, None if one.status == ACCEPTED else one.code) for one in told}


def taken_again(stack: Running) -> None:
    """Wait until all workers have seen that they may."""
    until(lambda: {status for status, _ in answers(stack)} == {202}, SETTLED_S, "taken again")


def test_a_full_stream(stack: Running) -> None:
    with configured(stack, "maxmemory", "1"):
        for path in INGEST:
            body = good() if path == SINGLE else {"events": [good()]}
            answer = post(stack, body, path)
            assert (answer.status, answer.code) == (503, "stream_full")
            assert b"OOM" not in answer.body, "what Valkey says is the operator's"
            assert 1 <= int(answer.headers["retry-after"]) <= 45
    taken_again(stack)


def test_a_stream_that_may_evict_is_given_nothing(stack: Running) -> None:
    """While running: whatever a worker does not look at in time is at most a second's events."""
    admin = httpx.Client(
        base_url=stack.run.admin_url, headers={"Authorization": f"Bearer {stack.run.admin_token}"}
    )
    with admin, configured(stack, "maxmemory-policy", "allkeys-lru"):
        until(lambda: answers(stack) == {(503, "stream_misconfigured")}, SETTLED_S, "refused")
        assert httpx.get(f"{stack.run.url}/health").json()["code"] == "stream_misconfigured"
        told = admin.get("/readyz")
        assert told.status_code == 503
        reasons = {part["name"]: part["reason"] for part in told.json()["parts"]}
        for name in ("valkey", "worker-0", "worker-1"):
            assert "allkeys-lru" in reasons[name]
        assert not reasons["consumer-0"] + reasons["consumer-1"]
        refusing = 'ingest_back_pressure{code="stream_misconfigured",process="worker-0"} 1.0'
        assert refusing in admin.get("/metrics").text
        figures = admin.get("/api/v1/figures").json()
        assert {"process": "worker-0", "code": "stream_misconfigured"} in figures["refusing"]
    taken_again(stack)


def test_an_acknowledgement_tells_the_truth(stack: Running) -> None:
    def level() -> str:
        return post(stack, good()).headers["ingest-ack"]

    assert level() == "fsync"
    with configured(stack, "appendfsync", "everysec"):
        until(lambda: {level() for _ in range(8)} == {"memory"}, SETTLED_S, "memory")
        assert httpx.get(f"{stack.run.url}/health").json()["ack"] == "memory"
        bearer = {"Authorization": f"Bearer {stack.run.admin_token}"}
        told = httpx.get(f"{stack.run.admin_url}/readyz", headers=bearer)
        assert told.status_code == 200, "it works, at a lower level"
        (valkey,) = (part for part in told.json()["parts"] if part["name"] == "valkey")
        assert "appendfsync is 'everysec'" in valkey["warning"]
        metrics = httpx.get(f"{stack.run.admin_url}/metrics", headers=bearer).text
        assert 'ingest_ack_fsync{process="worker-0"} 0.0' in metrics
        assert "ingest_valkey_fsync 0.0" in metrics
    until(lambda: {level() for _ in range(8)} == {"fsync"}, SETTLED_S, "fsync again")


def test_a_refused_request_is_found_in_the_log_by_its_id(stack: Running) -> None:
    """Lines are bounded: what was refused just before may have used them up, so it asks again."""
    name = f"request-{uuid4()}"

    def lines() -> list[str]:
        logs = "".join(file.read_text() for file in (stack.data / "log").glob("worker-*.log"))
        return [line for line in logs.splitlines() if name in line]

    def is_told() -> bool:
        answer = post(stack, good(), X_Request_Id=name)
        assert (answer.status, answer.headers["x-request-id"]) == (503, name)
        return bool(lines())

    with configured(stack, "maxmemory", "1"):
        until(lambda: answers(stack) == {(503, "stream_full")}, SETTLED_S, "refused")
        until(is_told, SETTLED_S, "a line with the request's id")
    taken_again(stack)
    line = json.loads(lines()[0])
    assert (line["status"], line["code"], line["route"]) == (503, "stream_full", NATIVE)


def test_a_silent_stream_costs_no_event(stack: Running) -> None:
    """Valkey is silent for a second: the request waits for it and is then acknowledged."""
    with connect(stack.run.valkey_url, name="test") as client:
        client.client_pause(1000, all=True)
        assert post(stack, good()).status == 202
