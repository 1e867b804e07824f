"""Wrong tokens are bounded by address, and lock out nobody who had the right one."""

from __future__ import annotations

import pytest
from ingest.admin.attempts import MOST
from ingest.admin.bearers import KNOWN_S, Bearers
from ingest.admin.callers import HERE, Callers

RIGHT, WRONG = "Bearer right", "Bearer wrong"
SECRET = "s3cret"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def statuses(bearers: Bearers, address: str, given: str, times: int) -> list[int]:
    answers = [bearers.refuse(given, address) for _ in range(times)]
    return [200 if answer is None else answer.status_code for answer in answers]


def test_wrong_tokens_of_an_address_have_an_end() -> None:
    clock = Clock()
    bearers = Bearers("right", clock)
    assert statuses(bearers, "192.0.2.1", WRONG, MOST + 5) == [403] * MOST + [429] * 5
    assert statuses(bearers, "192.0.2.1", RIGHT, 1) == [429], "what is locked is not compared"
    assert statuses(bearers, "192.0.2.2", WRONG, 1) == [403]
    answer = bearers.refuse(WRONG, "192.0.2.1")
    assert answer is not None
    clock.now += int(answer.headers["Retry-After"] or "")
    assert statuses(bearers, "192.0.2.1", RIGHT, 2) == [200, 200]


def test_where_the_right_token_came_from_it_goes_on_working() -> None:
    clock = Clock()
    bearers = Bearers("right", clock)
    assert statuses(bearers, HERE, RIGHT, 1) == [200]
    assert statuses(bearers, HERE, WRONG, MOST + 5) == [403] * MOST + [429] * 5
    assert statuses(bearers, HERE, RIGHT, 20) == [200] * 20
    clock.now += KNOWN_S
    assert statuses(bearers, HERE, WRONG, MOST + 1)[-1] == 429
    assert statuses(bearers, HERE, RIGHT, 1) == [429]


@pytest.mark.parametrize("given", ["", "Bearer Right", "Bearer right ", "Bearer ré\udcff"])
def test_what_is_nearly_the_token_is_wrong(given: str) -> None:
    assert statuses(Bearers("right"), HERE, given, 1) == [403]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(scheme: str) -> None:
    assert statuses(Bearers("right"), HERE, f"{scheme} right", 1) == [200]


def test_only_the_edge_says_where_a_caller_is() -> None:
    callers = Callers(SECRET)
    told = {"x-real-ip": "192.0.2.1"}
    assert callers.address(told | {"x-ingest-edge": SECRET}) == "192.0.2.1"
    for other in ({}, {"x-ingest-edge": "guess"}, {"x-ingest-edge": "é"}, {"x-ingest-edge": ""}):
        assert callers.address(told | other) == HERE
    assert Callers("").address(told | {"x-ingest-edge": ""}) == HERE
