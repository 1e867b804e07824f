"""Dead letters over the admin API: real ones, from an event that a constraint refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from tests import poison
from tests.running import NO_TLS, until

if TYPE_CHECKING:
    from tests.running import Running

PATH = "/api/v1/dead-letters"
STORED_S = 20.0
AT_ONCE_S = 4.0


def ask(
    stack: Running, path: str = "", fields: object = None, /, **query: str | int
) -> httpx.Response:
    bearer = {"Authorization": f"Bearer {stack.run.admin_token}"}
    return httpx.request(
        "GET" if fields is None else "POST",
        stack.run.admin_url + PATH + path,
        params=query,
        json=fields,
        headers=bearer,
        timeout=30,
        verify=NO_TLS,
    )


def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    fields: dict[str, Any] = answer.json()
    return fields


def test_a_letter_is_listed_shown_and_replayed(stack: Running) -> None:
    (event_id,) = poison.kill_events(stack, 1, properties={"colour": "red"})
    (number,) = poison.letters_of(stack, [event_id])
    listed = told(ask(stack, limit=5))["letters"][0]
    assert (listed["id"], listed["event_id"], listed["code"]) == (number, event_id, "23514")
    assert "no_poison" in listed["message"]
    assert "event" not in listed
    shown = told(ask(stack, "/letter", id=number))
    assert shown.items() >= listed.items()
    assert shown["event"]["properties"] == {"colour": "red"}
    done = told(ask(stack, "/replay", {"ids": [number]}))
    assert done == {"letters": 1, "stored": 1, "duplicates": 0, "dead": 0, "is_complete": True}
    assert event_id in stack.stored()
    assert ask(stack, "/letter", id=number).json()["code"] == "not_found"


def test_letters_of_a_project_are_found_by_its_name_and_its_id(stack: Running) -> None:
    (event_id,) = poison.kill_events(stack, 1)
    (number,) = poison.letters_of(stack, [event_id])
    letter = told(ask(stack, "/letter", id=number))
    named, known = letter["project"], letter["project_id"]
    with psycopg.connect(stack.run.dsn) as connection:
        row = connection.execute("SELECT name FROM project WHERE project_id = %s", (known,))
        assert row.fetchone() == (named,)
    for asked in (named, known):
        assert number in {one["id"] for one in told(ask(stack, project=asked))["letters"]}
    assert told(ask(stack, project=f"not {named}")) == {"total": 0, "letters": []}
    assert told(ask(stack, "/drop", {"project": named, "ids": [number]})) == {"letters": 1}


def test_the_number_of_letters_is_told_at_once(stack: Running) -> None:
    poison.kill_events(stack, 1)
    until(lambda: counted(stack) == told(ask(stack))["total"], AT_ONCE_S, "counted")
    told(ask(stack, "/drop", {"all": True}))
    until(lambda: counted(stack) == 0, AT_ONCE_S, "counted again")


def counted(stack: Running) -> int:
    bearer = {"Authorization": f"Bearer {stack.run.admin_token}"}
    answer = httpx.get(f"{stack.run.admin_url}/api/v1/figures", headers=bearer, timeout=30)
    return int(answer.json()["dead_letters"])


def test_what_is_still_refused_stays(stack: Running) -> None:
    user_id = "always-refused"
    (event_id,) = poison.kill_events(stack, 1, user_id=user_id)
    numbers = poison.letters_of(stack, [event_id])
    with poison.refusing(stack, user_id):
        done = told(ask(stack, "/replay", {"ids": numbers}))
    assert (done["stored"], done["dead"]) == (0, 1)
    assert poison.letters_of(stack, [event_id]) == numbers
    told(ask(stack, "/drop", {"ids": numbers}))


def test_pages_of_letters(stack: Running) -> None:
    numbers = poison.letters_of(stack, poison.kill_events(stack, 5))
    first = told(ask(stack, limit=3, code="23514"))
    assert first["total"] >= 5
    assert [letter["id"] for letter in first["letters"]] == numbers[:-4:-1]
    second = told(ask(stack, limit=2, code="23514", before=numbers[-3]))
    assert [letter["id"] for letter in second["letters"]] == numbers[1::-1]
    assert told(ask(stack, code="nothing")) == {"total": 0, "letters": []}
    assert told(ask(stack, since="2020-01-01T00:00:00+00:00", limit=1))["total"] >= 5
    assert told(ask(stack, until="2020-01-01T00:00:00+00:00"))["total"] == 0
    assert told(ask(stack, "/drop", {"ids": numbers})) == {"letters": 5}
    assert told(ask(stack, before=numbers[-1] + 1, limit=5))["letters"] == []


@pytest.mark.parametrize(
    "query",
    [{"limit": "0x"}, {"limit": 101}, {"before": -1}, {"code": ""}, {"since": "x"}, {"what": 1}],
)
def test_a_query_that_is_none(stack: Running, query: dict[str, str | int]) -> None:
    answer = ask(stack, "", None, **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_a_letter_that_is_not_there(stack: Running) -> None:
    for number, code in ((2**62, "not_found"), ("x", "invalid_request"), ("", "invalid_request")):
        assert ask(stack, "/letter", id=number).json()["code"] == code
    assert ask(stack, "/letter").json()["code"] == "invalid_request"


@pytest.mark.parametrize("path", ["/replay", "/drop"])
def test_nothing_is_changed_by_chance(stack: Running, path: str) -> None:
    numbers = poison.letters_of(stack, poison.kill_events(stack, 1))
    unclear: list[object] = [{}, {"ids": []}, {"ids": ["x"]}, {"all": False}, [], "all"]
    for fields in unclear:
        answer = ask(stack, path, fields)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert told(ask(stack, "/letter", id=numbers[0]))["id"] == numbers[0]
    told(ask(stack, "/drop", {"ids": numbers}))


def test_everything_at_once(stack: Running) -> None:
    ids = poison.kill_events(stack, 3)
    assert told(ask(stack, "/replay", {"all": True}))["stored"] >= 3
    until(lambda: set(ids) <= set(stack.stored()), STORED_S, "stored after all")
    assert told(ask(stack))["total"] == 0
