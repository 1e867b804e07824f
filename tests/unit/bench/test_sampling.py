"""A part that fails while it is looked at is told: silence would make a result of a few looks."""

from __future__ import annotations

import os
import time

import pytest

from bench.e2e import sampling
from bench.e2e.sampling import NotSeenError, Sampler


class Falling:
    """Two looks, then its stream is gone."""

    name = "falling"

    def __init__(self) -> None:
        self.looks = 0

    def pids(self) -> dict[str, int]:
        return {"worker-0": os.getpid()}

    def settled(self) -> int:
        return 0

    def accepted(self) -> int:
        self.looks += 1
        if self.looks > 3:
            raise ConnectionResetError("Valkey has gone")
        return self.looks


def test_a_part_that_went_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "EVERY_S", 0.01)
    sampler = Sampler(Falling())
    sampler.start()
    while sampler.is_looking:
        time.sleep(0.01)
    with pytest.raises(NotSeenError, match="falling can't be looked at: Valkey has gone"):
        sampler.finish()
    assert len(sampler.samples) == 2
