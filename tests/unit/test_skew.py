"""How far a server's clock is away: half of the time of asking is taken off."""

from __future__ import annotations

from ingest import skew


def test_the_time_of_asking_is_halved() -> None:
    clock = iter([100.0, 104.0])
    assert skew.ahead_s(lambda: 112.0, lambda: next(clock)) == 10.0


def test_both_sides_are_named() -> None:
    assert skew.described("Valkey", 7.4).startswith("Valkey's clock is 7 s ahead of this machine's")
    assert skew.described("Valkey", -7.4).startswith("Valkey's clock is 7 s behind this machine's")
