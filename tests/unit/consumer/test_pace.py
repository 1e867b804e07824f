"""Reads and spans stay within their bounds, whatever the entries hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ingest.consumer.pace import Bounds, Held, Pace
from ingest.stream.read import MAX_COUNT

BOUNDS = Bounds(max_rows=20_000, max_bytes=8 << 20)


def test_a_first_read_is_bounded_by_its_count() -> None:
    assert Pace(BOUNDS).count([Held(0, 0)]) == MAX_COUNT
    assert Pace(BOUNDS).count([Held(0, 0)] * 4) == MAX_COUNT // 4


def test_a_span_is_full_when_another_entry_would_pass_a_bound() -> None:
    pace = Pace(BOUNDS)
    pace.note(1000, Held(900, 100))
    assert pace.room(Held(18_200, 0)) == 2
    assert pace.room(Held(19_200, 0)) == 0
    pace.note(1000, Held(1, 1 << 20))
    assert pace.room(Held(1, 7 << 20)) == 1
    assert pace.room(Held(1, (7 << 20) + 1)) == 0


def test_an_empty_span_has_room_for_one_however_large() -> None:
    pace = Pace(BOUNDS)
    pace.note(1 << 30, Held(10**9, 1 << 30))
    assert pace.count([Held(0, 0)]) == 1
    assert pace.room(Held(0, 1)) == 0


@given(st.integers(0, 2000), st.integers(0, 1 << 20), st.integers(0, 20_000))
def test_equal_entries_never_pass_a_bound(rows: int, nbytes: int, held: int) -> None:
    pace = Pace(BOUNDS)
    pace.note(nbytes, Held(rows, nbytes))
    room = pace.room(Held(held, held))
    assert room * rows + held <= BOUNDS.max_rows or (room, held) == (1, 0)
    assert room * nbytes + held <= BOUNDS.max_bytes or (room, held) == (1, 0)
