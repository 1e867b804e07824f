"""Projects and keys over the admin API: changes reach every worker within two seconds."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import psycopg
import pytest
from ingest.store.key_table import POLL_S

from tests.contract.wire import good, post
from tests.running import NO_TLS, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.running import Running

KNOWN_S = 2.0
# More than one after the other hits each of the two workers.
IN_A_ROW = 6
WORKERS, TABLES_READ = 2, 2


class Admin:
    """The API as its user sees it."""

    def __init__(self, stack: Running) -> None:
        self._url = stack.run.admin_url
        self._headers = {"Authorization": f"Bearer {stack.run.admin_token}"}

    def ask(self, method: str, path: str, fields: object = None) -> httpx.Response:
        """Ask; the answer's form is checked."""
        url = f"{self._url}/api/v1{path}"
        answer = httpx.request(
            method, url, json=fields, headers=self._headers, timeout=10, verify=NO_TLS
        )
        kind = "application/json" if answer.status_code == 200 else "application/problem+json"
        assert answer.headers["content-type"] == kind, answer.text
        return answer

    def done(self, method: str, path: str, fields: object = None) -> Any:
        """Ask for what must be done."""
        answer = self.ask(method, path, fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, fields: object = None) -> tuple[int, str]:
        """Ask for what must not be done."""
        answer = self.ask(method, path, fields)
        return answer.status_code, answer.json()["code"]


@pytest.fixture
def admin(stack: Running) -> Admin:
    return Admin(stack)


@pytest.fixture
def project(admin: Admin) -> dict[str, Any]:
    made: dict[str, Any] = admin.done(
        "POST", "/project", {"name": f"shop {uuid4()}", "plan": "unlimited"}
    )
    return made


def status(stack: Running, key: str) -> int:
    return post(stack, good(), X_Api_Key=key).status


def all_answer(stack: Running, key: str, expected: int) -> bool:
    return all(status(stack, key) == expected for _ in range(IN_A_ROW))


def soon(is_true: Callable[[], object], what: str) -> None:
    until(is_true, KNOWN_S, what)


def test_a_key_works_when_it_is_told(stack: Running, admin: Admin) -> None:
    made = admin.done("POST", "/project", {"name": f"quick {uuid4()}"})
    assert [status(stack, made["api_key"]) for _ in range(IN_A_ROW)] == [202] * IN_A_ROW
    added = admin.done("POST", f"/project/{made['project_id']}/key", {})
    assert [status(stack, added["api_key"]) for _ in range(IN_A_ROW)] == [202] * IN_A_ROW


def test_one_is_made_and_shown(admin: Admin) -> None:
    project = admin.done("POST", "/project", {"name": f"shop {uuid4()}"})
    assert project["plan"] == "free"
    assert list(project) == ["project_id", "name", "plan", "api_key", "created_at"]
    for given in (project["project_id"], quote(project["name"])):
        shown = admin.done("GET", f"/project/{given}")
        assert shown["limits"] == {"requests_per_minute": 100, "events_per_minute": 10_000}
        (key,) = shown["keys"]
        assert key["state"] == "active"
        assert project["api_key"] not in str(shown)
        assert shown == {
            **{name: project[name] for name in ("project_id", "name", "plan", "created_at")},
            "limits": shown["limits"],
            "keys": [key],
        }


def test_a_blank_name_that_is_there_is_found(stack: Running, admin: Admin) -> None:
    name = "   "
    with psycopg.connect(stack.run.dsn) as connection:
        connection.execute(
            "INSERT INTO project (project_id, name, plan) VALUES (%s, %s, 'free')"
            " ON CONFLICT (name) DO NOTHING",
            (uuid4(), name),
        )
    path = f"/project/{quote(name)}"
    assert admin.done("GET", path)["name"] == name
    key = admin.done("POST", f"{path}/key", {})
    assert admin.done("DELETE", f"{path}/key/{key['key_id']}")["revoked"] == [key["key_id"]]
    assert admin.refused("POST", "/project", {"name": name}) == (422, "invalid_project")


@pytest.mark.parametrize("name", ["a/b c%d", "grüße 😀", "?x=1&y", "..."])
def test_a_name_may_hold_anything_that_prints(admin: Admin, name: str) -> None:
    whole = f"{name} {uuid4()}"
    made = admin.done("POST", "/project", {"name": whole})
    assert (
        admin.done("GET", f"/project/{quote(whole, safe='')}")["project_id"] == made["project_id"]
    )
    first = admin.done("GET", f"/project?limit=1&after={quote(whole[:-1])}")["projects"][0]
    assert first["name"] == whole


def test_they_are_listed_page_by_page(admin: Admin, project: dict[str, Any]) -> None:
    listed, after = [], ""
    while after is not None:
        page = admin.done("GET", f"/project?limit=2&after={quote(after)}")
        listed += page["projects"]
        after = page["next"]
    names = [one["name"] for one in listed]
    assert project["name"] in names
    assert len(set(names)) == len(names)
    assert {name for one in listed for name in one} == {
        *("project_id", "name", "plan", "created_at", "active_keys")
    }
    assert {one["name"]: one["active_keys"] for one in listed}[project["name"]] == 1


def test_a_key_is_changed_without_a_gap(
    stack: Running, admin: Admin, project: dict[str, Any]
) -> None:
    old = project["api_key"]
    soon(lambda: all_answer(stack, old, 202), "the first key is known")
    keys = f"/project/{project['project_id']}/key"
    with steady(stack, old) as refused:
        made = admin.done("POST", keys, {"name": "second", "others_end_s": 3600})
        assert made["others_ended"] == 1
        soon(lambda: all_answer(stack, made["api_key"], 202), "the second key is known")
    assert refused == [], "the first key goes on working"
    assert status(stack, old) == 202
    last = admin.done("POST", keys, {"others_end_s": 0})
    soon(lambda: all_answer(stack, last["api_key"], 202), "the third key is known")
    for key in (old, made["api_key"]):
        soon(lambda key=key: all_answer(stack, key, 403), "the others have ended")  # type: ignore[misc]
        assert post(stack, good(), X_Api_Key=key).code == "key_expired"
    listed = admin.done("GET", keys)["keys"]
    assert [key["state"] for key in listed] == ["active", "expired", "expired"]
    assert last["api_key"] not in str(listed)


def test_a_key_ends_at_its_time(stack: Running, admin: Admin, project: dict[str, Any]) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=4)
    fields = {"expires_at": ends.isoformat()}
    key = admin.done("POST", f"/project/{project['project_id']}/key", fields)["api_key"]
    soon(lambda: all_answer(stack, key, 202), "known")
    until(lambda: status(stack, key) == 403, 10, "ended")
    assert datetime.now(UTC) >= ends
    assert all_answer(stack, project["api_key"], 202)


def test_one_key_is_revoked_and_then_all(
    stack: Running, admin: Admin, project: dict[str, Any]
) -> None:
    keys = f"/project/{project['project_id']}/key"
    second = admin.done("POST", keys)
    soon(lambda: all_answer(stack, second["api_key"], 202), "known")
    assert admin.done("DELETE", f"{keys}/{second['key_id']}") == {"revoked": [second["key_id"]]}
    soon(lambda: all_answer(stack, second["api_key"], 403), "refused by every worker")
    assert post(stack, good(), X_Api_Key=second["api_key"]).code == "key_revoked"
    assert all_answer(stack, project["api_key"], 202)
    left = admin.done("DELETE", keys)["revoked"]
    assert len(left) == 1, "the other one was revoked before"
    assert second["key_id"] not in left
    soon(lambda: all_answer(stack, project["api_key"], 403), "refused by every worker")


def test_a_plan_is_changed(admin: Admin, project: dict[str, Any]) -> None:
    changed = admin.done("PATCH", f"/project/{project['project_id']}", {"plan": "pro"})
    assert changed["plan"] == "pro"
    assert changed["limits"] == {"requests_per_minute": 1000, "events_per_minute": 100_000}
    assert changed == admin.done("GET", f"/project/{project['project_id']}")


def test_plans_are_listed(admin: Admin) -> None:
    names = [plan["name"] for plan in admin.done("GET", "/plan")["plans"]]
    assert names == ["free", "pro", "enterprise", "unlimited"]


def test_what_is_not_there(admin: Admin, project: dict[str, Any]) -> None:
    nobody, own = f"/project/{uuid4()}", f"/project/{project['project_id']}"
    missing = (404, "project_not_found")
    assert admin.refused("GET", nobody) == missing
    assert admin.refused("PATCH", nobody, {"plan": "pro"}) == missing
    assert admin.refused("GET", f"{nobody}/key") == missing
    assert admin.refused("POST", f"{nobody}/key", {}) == missing
    assert admin.refused("DELETE", f"{nobody}/key") == missing
    for key_id in ("000000000000", "%00", "%ff", "0" * 5000):
        assert admin.refused("DELETE", f"{own}/key/{key_id}") == (404, "key_not_found")
    other = admin.done("POST", "/project", {"name": f"other {uuid4()}"})
    (key,) = admin.done("GET", f"/project/{other['project_id']}/key")["keys"]
    assert admin.refused("DELETE", f"{own}/key/{key['key_id']}") == (404, "key_not_found")
    assert admin.refused("DELETE", own) == (405, "method_not_allowed")
    assert admin.ask("DELETE", own).headers["allow"] == "GET, PATCH"


@pytest.mark.parametrize(
    "fields",
    [
        {"nam": "x"},
        {"name": 5},
        {"name": "x" * 101},
        {"expires_at": "2026-01-31T12:00:00Z"},
        {"expires_at": "2999-01-31T12:00:00"},
        {"expires_at": "9999-12-31T23:59:59-23:59"},
        {"expires_at": 5},
        {"others_end_s": -1},
        {"others_end_s": True},
        {"others_end_s": 0.5},
        {"others_end_s": 10**9},
    ],
)
def test_fields_of_a_key_that_are_not_valid(
    admin: Admin, project: dict[str, Any], fields: object
) -> None:
    keys = f"/project/{project['project_id']}/key"
    assert admin.refused("POST", keys, fields) == (422, "invalid_key")


def test_other_fields_that_are_not_valid(admin: Admin, project: dict[str, Any]) -> None:
    own = f"/project/{project['project_id']}"
    for fields in ({}, {"plan": "gold"}, {"plan": ["pro"]}, {"plan": "pro", "name": "other"}):
        assert admin.refused("PATCH", own, fields) == (422, "invalid_project")
    for query in ("limit=0", "limit=1001", "limit=x", "limit=%31", "limit=²"):
        assert admin.refused("GET", f"/project?{query}") == (400, "invalid_request")


def test_the_rest_of_the_api_is_not_behind_the_edge(stack: Running) -> None:
    bearer = {"Authorization": f"Bearer {stack.run.admin_token}"}
    for method, path in (("GET", "project"), ("GET", "project/default"), ("GET", "plan")):
        answer = httpx.request(method, f"{stack.run.url}/api/v1/{path}", headers=bearer)
        assert answer.status_code in {404, 405}


def test_an_unknown_key_costs_nothing_in_postgresql(stack: Running) -> None:
    guess = "wk_live_" + "x" * 43

    def reads() -> int:
        with psycopg.connect(stack.run.dsn) as connection:
            row = connection.execute(
                "SELECT sum(seq_scan + coalesce(idx_scan, 0)) FROM pg_stat_user_tables"
                " WHERE relname IN ('api_key', 'project')"
            ).fetchone()
        assert row is not None
        return int(row[0])

    before, began, requests = reads(), datetime.now(UTC), 500
    with httpx.Client(headers={"X-Api-Key": guess}) as client:
        for _ in range(requests):
            answer = client.post(f"{stack.run.url}/v1/events", json={})
            assert answer.status_code in {401, 429}
    # What each worker reads by itself is flushed to the statistics up to a second late.
    seconds = (datetime.now(UTC) - began).total_seconds() + 2
    polled = WORKERS * TABLES_READ * seconds / POLL_S
    assert reads() - before <= polled
    assert polled < requests


class steady:  # noqa: N801 - reads as a sentence in its `with`
    """Posts with a key, one after another, until the block ends; gives the refusals."""

    def __init__(self, stack: Running, key: str) -> None:
        self._stack, self._key = stack, key
        self._refused: list[int] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> list[int]:
        """Begin."""
        self._thread.start()
        return self._refused

    def __exit__(self, *_error: object) -> None:
        """End with the request in flight."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.is_set():
            got = status(self._stack, self._key)
            if got != 202:
                self._refused.append(got)
            self._done.wait(0.05)


@pytest.mark.parametrize("query", ["after=%00", "after=a%1bb", "limit=" + "9" * 5000, "limit=0"])
def test_a_page_that_is_none(admin: Admin, query: str) -> None:
    assert admin.refused("GET", f"/project?{query}") == (400, "invalid_request")


def test_without_a_token_the_edge_says_what_a_project_needs(stack: Running) -> None:
    answer = httpx.post(f"{stack.run.url}/api/v1/project", json={"name": f"shop {uuid4()}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert "the admin token" in answer.json()["message"]
