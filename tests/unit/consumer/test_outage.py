"""Lines of an outage: few, and its end."""

from __future__ import annotations

import pytest
import structlog
from ingest.consumer.outage import AGAIN_S, Outage
from ingest.errors import NeedsPerson, Retryable


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def outage(now: list[float]) -> Outage:
    return Outage("writing failed", "writes again", lambda: now[0])


def test_an_outage_is_told_at_first_now_and_then_and_at_its_end(
    outage: Outage, now: list[float]
) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(95):
            outage.tell(Retryable("away"), 1.004)
            now[0] += 1
        outage.end()
        outage.end()
    failed = {"event": "writing failed", "log_level": "warning", "error": "away", "again_in_s": 1.0}
    again = failed | {"left_out": AGAIN_S - 1}
    over = {"event": "writes again", "log_level": "info", "after_s": 95.0, "left_out": 4}
    assert lines == [failed, again, again, again, over]


def test_another_kind_is_told_at_once_and_the_next_outage_too(outage: Outage) -> None:
    with structlog.testing.capture_logs() as lines:
        for error in (Retryable("away"), NeedsPerson("disk full"), Retryable("away")):
            outage.tell(error, 1)
        outage.end()
        outage.tell(Retryable("away"), 1)
    told = ["writing failed", "writing failed", "writes again", "writing failed"]
    assert [line["event"] for line in lines] == told
    assert [line["log_level"] for line in lines] == ["warning", "error", "info", "warning"]


def test_what_does_not_fail_is_not_told(outage: Outage) -> None:
    with structlog.testing.capture_logs() as lines:
        outage.end()
    assert lines == []
