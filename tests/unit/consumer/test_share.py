"""Shares are equal, agreed on without talking, and settle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ingest.consumer.share import excess


def settle(held: dict[str, int], shards: int) -> dict[str, int]:
    """Let each consumer in turn give or take what is free, until nobody moves."""
    held = dict(held)
    for _ in range(10):
        before = dict(held)
        for name in held:
            surplus = excess(name, held, shards)
            free = shards - sum(held.values())
            held[name] -= surplus if surplus > 0 else -min(free, -surplus)
        if held == before:
            return held
    raise AssertionError(f"{held} does not settle")


def test_one_takes_all() -> None:
    assert excess("a", {"a": 0}, 4) == -4


def test_a_newcomer_gets_its_share() -> None:
    assert excess("a", {"a": 4, "b": 0}, 4) == 2
    assert excess("b", {"a": 4, "b": 0}, 4) == -2


def test_uneven_shares_stay_where_they_are() -> None:
    held = {"a": 1, "b": 1, "c": 2}
    assert [excess(name, held, 4) for name in held] == [0, 0, 0]


def test_more_consumers_than_shards() -> None:
    assert settle({"a": 2, "b": 0, "c": 0}, 2) == {"a": 1, "b": 1, "c": 0}


@given(st.lists(st.integers(0, 8), min_size=1, max_size=9), st.integers(0, 30))
def test_any_start_settles_with_all_shards_held(counts: list[int], free: int) -> None:
    held = {f"c{number}": count for number, count in enumerate(counts)}
    shards = sum(counts) + free
    settled = settle(held, shards)
    assert sum(settled.values()) == shards
    assert max(settled.values()) - min(settled.values()) <= 1
