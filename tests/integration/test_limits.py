"""Plans and addresses on a system of two workers: who is over gets 429, everybody else nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from ingest.api.limits import TOLERANCE, WINDOW_S
from ingest.store import keys
from ingest.stream.connection import connect
from ingest.stream.shards import quota_key

from tests.running import INGEST, NO_TLS, Running, event, until

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUESTS, EVENTS, TINY = 300, 1000, 50
STRANGERS, PROJECTS = 20, 8
PLANS = {
    "small": {"requests_per_minute": REQUESTS},
    "counted": {"events_per_minute": EVENTS},
    "tiny": {"events_per_minute": TINY},
    "both": {"requests_per_minute": REQUESTS, "events_per_minute": EVENTS},
}
KNOWN_S = 2.0
THREADS = 8
WORKERS = 2


@pytest.fixture(scope="module")
def limited() -> Iterator[Running]:
    env = {
        "INGEST_PLANS": json.dumps(PLANS),
        "INGEST_STRANGERS_PER_MINUTE": str(STRANGERS),
        "INGEST_PROJECTS_PER_MINUTE": str(PROJECTS),
    }
    path = Path(tempfile.mkdtemp(prefix="ingest-test-"))
    path.chmod(0o711)
    try:
        with Running(path / "data", "--workers", str(WORKERS), env=env) as running:
            yield running
    finally:
        shutil.rmtree(path)


class Sender:
    """A project on some plan, and its key, which every worker knows already."""

    def __init__(self, system: Running, plan: str) -> None:
        self.url = system.run.url
        self.key = keys.generate("test")
        with psycopg.connect(system.run.dsn, autocommit=True) as connection:
            row = connection.execute(
                "INSERT INTO project VALUES (gen_random_uuid(), %s, %s) RETURNING project_id",
                (f"shop {uuid4()}", plan),
            ).fetchone()
            assert row is not None
            self.project_id = row[0]
            keys.insert(connection, self.project_id, keys.digest(self.key))
        with closing(self.client()) as client:
            # Refused for its type alone: it costs a request, but no event.
            until(lambda: self._is_known(client), KNOWN_S, "the key is known")
        self._system = system

    def _is_known(self, client: httpx.Client) -> bool:
        asked = [client.post("/v1/events", content=b"x") for _ in range(2 * WORKERS)]
        return all(answer.status_code == 415 for answer in asked)

    def client(self) -> httpx.Client:
        """Connect as this project."""
        return httpx.Client(base_url=self.url, headers={"X-Api-Key": self.key}, timeout=30)

    def post(self, count: int, events: int = 1) -> list[httpx.Response]:
        """Post so often over one connection, one after another."""
        body = {"events": [event()] * events}
        with closing(self.client()) as client:
            return [client.post("/v1/events", json=body) for _ in range(count)]

    def stored(self) -> int:
        """Count its events in the table."""
        with psycopg.connect(self._system.run.dsn) as connection:
            row = connection.execute(
                "SELECT count(*) FROM event WHERE project_id = %s", (self.project_id,)
            ).fetchone()
        assert row is not None
        return int(row[0])


def codes(answers: list[httpx.Response]) -> Counter[str]:
    return Counter("" if one.status_code == 202 else one.json()["code"] for one in answers)


def test_one_over_its_plan_is_refused_and_the_others_are_not(limited: Running) -> None:
    greedy, modest, free = (Sender(limited, plan) for plan in ("small", "enterprise", "unlimited"))
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        posts = [threads.submit(greedy.post, 200) for _ in range(THREADS - 2)]
        others = [threads.submit(one.post, 200) for one in (modest, free)]
        flood = [answer for post in posts for answer in post.result()]
        seconds = time.monotonic() - began
        assert [codes(one.result()) for one in others] == [{"": 200}, {"": 200}]
    found = codes(flood)
    assert set(found) == {"", "plan_exceeded"}
    # Some requests told whether the key is known.
    assert REQUESTS * 0.8 <= found[""] <= REQUESTS * (1 + seconds / WINDOW_S + TOLERANCE)
    refused = next(answer for answer in flood if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["content-type"] == "application/problem+json"


def test_who_waits_as_told_is_taken(limited: Running) -> None:
    """Told again once at most: a worker learns a moment later what others admitted on credit."""
    sender = Sender(limited, "small")
    (refused, *_) = [one for one in sender.post(2 * REQUESTS) if one.status_code == 429]
    for _ in range(2):
        time.sleep(int(refused.headers["retry-after"]))
        (answer,) = sender.post(1)
        if answer.status_code != 429:
            break
        refused = answer
    assert answer.status_code == 202


def test_limits_are_told_with_every_answer_of_a_limited_plan(limited: Running) -> None:
    sender = Sender(limited, "both")
    (taken,) = sender.post(1, 10)
    policy = f'"requests";q={REQUESTS};w=60, "events";q={EVENTS};w=60;qu="events"'
    assert taken.headers["ratelimit-policy"] == policy
    assert f'"events";r={EVENTS - 10};t=1' in taken.headers["ratelimit"]
    with closing(sender.client()) as client:
        bad = client.post("/v1/events", json=[{"event_type": "?"}])
    assert bad.status_code == 422
    assert bad.headers["ratelimit-policy"] == policy
    (told,) = Sender(limited, "unlimited").post(1)
    assert not {"ratelimit", "ratelimit-policy"} & told.headers.keys()


def test_a_batch_is_never_taken_by_half(limited: Running) -> None:
    sender = Sender(limited, "counted")
    answers = sender.post(10, 300)
    taken = codes(answers)[""]
    assert 3 <= taken <= 4
    assert codes(answers)["plan_exceeded"] == 10 - taken
    refused = answers[-1]
    assert refused.headers["ratelimit"].startswith('"events";r=')
    until(lambda: sender.stored() >= taken * 300, 20, "stored")
    assert sender.stored() == taken * 300


def test_a_batch_larger_than_the_plan(limited: Running) -> None:
    sender = Sender(limited, "tiny")
    assert codes(sender.post(2, TINY + 1)) == {"plan_too_small": 2}
    assert codes(sender.post(1, TINY)) == {"": 1}


def test_a_change_of_plan_reaches_every_worker(limited: Running) -> None:
    sender = Sender(limited, "small")
    assert codes(sender.post(2 * REQUESTS))["plan_exceeded"] > 0
    answer = httpx.patch(
        f"{limited.run.admin_url}/api/v1/project/{sender.project_id}",
        json={"plan": "unlimited"},
        headers={"Authorization": f"Bearer {limited.run.admin_token}"},
    )
    assert answer.status_code == 200, answer.text
    until(lambda: codes(sender.post(6)) == {"": 6}, KNOWN_S, "every worker knows the plan")
    assert codes(sender.post(2 * REQUESTS)) == {"": 2 * REQUESTS}


def test_without_valkeys_counters_each_worker_limits_alone(limited: Running) -> None:
    sender = Sender(limited, "small")
    with connect(limited.run.valkey_url, name="test") as client:
        client.set(quota_key(sender.project_id.bytes), "not what the workers can count with")
        answers = sender.post(3 * REQUESTS)
        # Before the workers find that it counts again.
        assert unchecked(limited) > 0
        assert "Valkey does not count for it" in warnings(limited)
        client.delete(quota_key(sender.project_id.bytes))
    found = codes(answers)
    assert set(found) == {"", "plan_exceeded"}
    assert REQUESTS <= found[""] <= WORKERS * REQUESTS * 1.2
    until(lambda: "limits hold over all workers again" in limited.logs(), 20, "back")
    until(
        lambda: "does not count" not in warnings(limited), 20, "none is alone, though nobody sends"
    )


def test_a_plan_that_the_settings_do_not_know_is_told(limited: Running) -> None:
    assert "the settings don't know" not in warnings(limited)
    Sender(limited, "mislaid")
    told = "plans that the settings don't know, bounded like free: mislaid"
    until(lambda: told in warnings(limited), 20, "told")
    until(lambda: f"note   postgresql: {told}" in page(limited), 20, "shown")


def warnings(limited: Running) -> str:
    bearer = {"Authorization": f"Bearer {limited.run.admin_token}"}
    answer = httpx.get(f"{limited.run.admin_url}/readyz", headers=bearer)
    assert answer.status_code == 200, "a warning does not make it unready"
    return "; ".join(part["warning"] for part in answer.json()["parts"])


def page(limited: Running) -> str:
    command = [*INGEST, "status", "--data", str(limited.data)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_an_address_without_a_valid_key_is_limited_and_no_header_helps(limited: Running) -> None:
    lies = [
        {},
        {"X-Real-IP": "192.0.2.1"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"Forwarded": "for=192.0.2.1"},
    ]
    found: Counter[int] = Counter()
    # An address of its own: keys that were asked for before they were known count for the others'.
    own = httpx.HTTPTransport(local_address="127.0.0.3", verify=NO_TLS)
    with httpx.Client(base_url=limited.run.url, transport=own) as client:
        for number in range(4 * STRANGERS * WORKERS):
            headers = {"X-Api-Key": f"wk_test_{number:043}"} | lies[number % len(lies)]
            answer = client.post("/v1/events", json=event(), headers=headers)
            found[answer.status_code] += 1
            if answer.status_code == 429:
                assert answer.json()["code"] == "address_limited"
                assert int(answer.headers["retry-after"]) >= 1
    assert set(found) == {401, 429}
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2", verify=NO_TLS)
    with httpx.Client(base_url=limited.run.url, transport=elsewhere) as client:
        answer = client.post("/v1/events", json=event(), headers={"X-Api-Key": f"wk_test_{0:043}"})
        assert answer.status_code == 401, "another address has its own limit"
    assert found[401] <= STRANGERS * WORKERS * 1.5
    assert codes(Sender(limited, "unlimited").post(20)) == {"": 20}


def test_an_address_makes_so_many_projects(limited: Running) -> None:
    bearer = {"Authorization": f"Bearer {limited.run.admin_token}"}
    found: Counter[int] = Counter()
    for number in range(PROJECTS + 4):
        answer: Any = httpx.post(
            f"{limited.run.url}/api/v1/project",
            json={"name": f"shop {uuid4()}"},
            headers=bearer | {"X-Real-IP": f"192.0.2.{number}"},
        )
        found[answer.status_code] += 1
        last = answer
    assert found == {200: PROJECTS, 429: 4}
    assert last.json()["code"] == "address_limited"
    assert int(last.headers["retry-after"]) >= 1


def unchecked(limited: Running) -> float:
    bearer = {"Authorization": f"Bearer {limited.run.admin_token}"}
    text = httpx.get(f"{limited.run.admin_url}/metrics", headers=bearer).text
    lines = [line for line in text.splitlines() if line.startswith("ingest_quota_unchecked_total")]
    return sum(float(line.split()[-1]) for line in lines)
