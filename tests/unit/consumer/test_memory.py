"""What a large backlog took is given back to the system."""

from __future__ import annotations

import threading

import psutil
import pytest
from ingest.consumer import memory

PIECES, PIECE_BYTES = 4000, 20_000


def own_bytes() -> int:
    return int(psutil.Process().memory_full_info().uss)


def hold_last_of_many() -> tuple[bytearray, int]:
    """Take 80 MB in pieces, and keep the last, which lies above all others; give the peak, too."""
    pieces = [bytearray(b"x") * PIECE_BYTES for _ in range(PIECES)]
    return pieces[-1], own_bytes()


def test_free_memory_below_a_piece_in_use_is_given_back() -> None:
    held, peak = hold_last_of_many()
    memory.trim()
    assert peak - own_bytes() > PIECES * PIECE_BYTES * 0.8
    assert held[0] == ord("x")


def test_it_goes_on_until_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PERIOD_S", 0.001)
    stop, times = threading.Event(), iter(range(3))

    def trim() -> None:
        if next(times, None) is None:
            stop.set()

    monkeypatch.setattr(memory, "trim", trim)
    memory.give_back(stop)
    assert next(times, None) is None
