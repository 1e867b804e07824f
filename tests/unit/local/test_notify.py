"""What a supervisor hears of its processes, by sd_notify's datagrams."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from ingest import readiness
from ingest.local.notify import VARIABLE, Notifications

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANY = 1000
SOON_S = 5.0


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notifications]:
    """A listener to which this process speaks."""
    listening = Notifications(tmp_path / "notify")
    monkeypatch.setenv(VARIABLE, str(listening.path))
    yield listening
    listening.close()


def test_what_is_said_is_heard(said: Notifications) -> None:
    said.read()
    assert (said.is_ready, said.is_stopping) == (False, False)
    readiness.notify(readiness.READY)
    readiness.notify(readiness.STOPPING)
    said.read()
    assert (said.is_ready, said.is_stopping) == (True, True)


def test_only_who_has_said_that_it_is_alive_can_be_silent(said: Notifications) -> None:
    readiness.notify(readiness.READY)
    said.read()
    assert said.silent_s == 0
    readiness.notify(readiness.ALIVE)
    said.read()
    time.sleep(0.01)
    before = said.silent_s
    assert before >= 0.01
    readiness.notify(readiness.ALIVE)
    said.read()
    assert said.silent_s < before


def test_nobody_waits_for_a_listener_that_does_not_hear(said: Notifications) -> None:
    began = time.monotonic()
    for _ in range(MANY):
        readiness.notify(readiness.ALIVE)
    assert time.monotonic() - began < SOON_S
    said.read()
    assert said.silent_s < SOON_S
