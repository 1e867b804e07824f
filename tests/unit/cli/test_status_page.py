"""What `ingest status` says of values that are not known."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from ingest.admin import summary
from ingest.cli import status_page
from ingest.settings import Settings

from tests.unit.admin.samples import EMPTY

VALKEY = {"used_bytes": 1 << 20, "max_bytes": 4 << 20, "refusing_at_bytes": 3 << 20, "ack": "fsync"}
UNKNOWN = "full at an unknown time"


def page(**values: object) -> list[str]:
    figures = asdict(summary.figures([EMPTY], Settings())) | values
    return status_page.text(figures).splitlines()


@pytest.mark.parametrize("name", ["lag", "stream"])
def test_without_servers_nothing_is_made_up(name: str) -> None:
    parts = [
        {"name": "valkey", "reason": "it is frozen", "warning": ""},
        {"name": "postgresql", "reason": "it is gone", "warning": ""},
    ]
    assert f"{name:<17} unknown: it is frozen; it is gone" in page(parts=parts)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, UNKNOWN), (90.0, "full in 2 min"), (summary.FAR_S, "not full within a day")],
)
def test_when_valkey_is_full(seconds: float | None, told: str) -> None:
    shown = page(valkey=VALKEY | {"full_in_s": seconds})
    assert f"{'stream':<17} 1 MiB of 3 MiB, {told}, acknowledges from fsync" in shown


def test_nothing_waits_only_when_that_is_known() -> None:
    known = page(lag={"entries": 0, "events": 0, "oldest_s": 0.0})
    assert f"{'lag':<17} 0 entries, 0 events, nothing waits" in known
