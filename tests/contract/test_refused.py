"""What a client hears while the stream can't take events, and that it goes on by itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
from ingest.stream.connection import connect

from tests.contract.wire import INGEST, SINGLE, good, post
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
        assert "allkeys-lru" in told.text
    taken_again(stack)


def test_an_acknowledgement_tells_the_truth(stack: Running) -> None:
    def level() -> str:
        return post(stack, good()).headers["ingest-ack"]

    assert level() == "fsync"
    with configured(stack, "appendfsync", "everysec"):
        until(lambda: {level() for _ in range(8)} == {"memory"}, SETTLED_S, "memory")
        assert httpx.get(f"{stack.run.url}/health").json()["ack"] == "memory"
    until(lambda: {level() for _ in range(8)} == {"fsync"}, SETTLED_S, "fsync again")


def test_a_silent_stream_costs_no_event(stack: Running) -> None:
    """Valkey is silent for a second: the request waits for it and is then acknowledged."""
    with connect(stack.run.valkey_url, name="test") as client:
        client.client_pause(1000, all=True)
        assert post(stack, good()).status == 202
