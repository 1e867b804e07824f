"""What several commands are given: a time is UTC unless it says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import typer
from ingest.cli import options

DAY = datetime(2026, 11, 26, tzinfo=UTC)
NOON = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-11-26", DAY),
        ("2026-11-26T12", NOON.replace(minute=0)),
        ("2026-11-26T12:30", NOON),
        ("2026-11-26 12:30:00", NOON),
        ("2026-11-26T12:30:00Z", NOON),
        ("2026-11-26T12:30Z", NOON),
        ("2026-11-26T12:30:00.250000+00:00", NOON + timedelta(milliseconds=250)),
        ("2026-11-26T12:30:00+0100", NOON.replace(tzinfo=timezone(timedelta(hours=1)))),
    ],
)
def test_a_day_or_a_time_is_read(given: str, meant: datetime) -> None:
    assert options.time(given) == meant


@pytest.mark.parametrize("given", ["", "nonsense", "2026-13-01", "26.11.2026", "2026-11-26T25:00"])
def test_anything_else_is_answered_with_examples(given: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        options.time(given)
    assert "such as 2026-11-26 or 2026-11-26T10:00:00Z" in str(refused.value)
