"""Lines for the server's own faults: bounded, and what is left out is counted."""

from __future__ import annotations

import json

import pytest
import structlog
from ingest.fault_log import BURST, PER_S, FaultLog, told
from ingest.problems import PROBLEMS

BODY = PROBLEMS["overloaded"].body("too much")


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def fault_log(now: list[float]) -> FaultLog:
    return FaultLog(lambda: now[0])


def test_a_flood_leaves_a_burst_and_the_next_line_counts_the_rest(
    fault_log: FaultLog, now: list[float]
) -> None:
    with structlog.testing.capture_logs() as lines:
        for number in range(1000):
            fault_log.answered("/v1/events", 503, BODY, f"r{number}")
        now[0] += 1 / PER_S
        fault_log.answered("/v1/events", 503, BODY, "after")
    assert len(lines) == BURST + 1
    assert lines[-1] == {
        "event": "answered",
        "log_level": "warning",
        "request_id": "after",
        "route": "/v1/events",
        "status": 503,
        "code": "overloaded",
        "reason": "too much",
        "left_out": 1000 - BURST,
    }


def test_an_hour_of_it_is_no_more_than_two_lines_a_second(
    fault_log: FaultLog, now: list[float]
) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(36_000):
            now[0] += 0.1
            fault_log.answered("/v1/events", 503, BODY, None)
    assert len(lines) <= BURST + 3600 * PER_S


@pytest.mark.parametrize("body", [b"", "text", b"[]", b"1", json.dumps({"code": "x"})])
def test_an_answer_without_a_problem(body: str | bytes) -> None:
    assert told(body) == {}
