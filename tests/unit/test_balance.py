"""The equation, line by line: what each kind of difference says."""

from __future__ import annotations

import pytest
from ingest.balance import HOUR_MS, NO_PROJECT, Balance, Line, Verdict

A, B = bytes([1] * 16), bytes([2] * 16)
HOUR = 500_000
EXACT, UNWITNESSED, WRONG = Verdict.EXACT, Verdict.UNWITNESSED, Verdict.WRONG


def line(accepted: int, stored: int, project: bytes = A, hour: int = HOUR) -> Line:
    return Line(project, hour, accepted=accepted, stored=stored)


def unreadable(rows: int) -> Line:
    return Line(NO_PROJECT, HOUR, dead=rows)


def balance(*lines: Line, **fields: object) -> Balance:
    return Balance(0, "5-0", "7-0", lines, **fields)  # type: ignore[arg-type]


def test_all_fates_count() -> None:
    both = Line(A, HOUR, accepted=10, stored=4, in_stream=3, duplicates=2, dead=1)
    assert (both.missing, balance(both).verdict) == (0, EXACT)


@pytest.mark.parametrize("fate", ["stored", "in_stream", "duplicates", "dead"])
def test_one_too_few_or_too_many_is_wrong(fate: str) -> None:
    fates = {"stored": 4, "in_stream": 3, "duplicates": 2, "dead": 1}
    for change in (-1, 1):
        changed = Line(A, HOUR, accepted=10, **fates | {fate: fates[fate] + change})
        assert balance(changed).verdict is WRONG


def test_errors_of_two_lines_do_not_make_up_for_each_other() -> None:
    found = balance(line(10, 9), line(10, 11, B))
    assert (found.verdict, found.missing, found.unaccepted) == (WRONG, 1, 1)


def test_unreadable_entries_explain_just_as_many() -> None:
    assert balance(line(10, 7), unreadable(3)).verdict is EXACT
    assert balance(line(10, 6), unreadable(3)).verdict is WRONG
    assert balance(line(10, 8), unreadable(3)).verdict is WRONG
    assert balance(unreadable(3)).verdict is WRONG


def test_of_some_lines_unreadable_entries_explain_no_more_than_they_hold() -> None:
    assert balance(line(10, 8), unreadable(3), is_partial=True).verdict is EXACT
    assert balance(line(10, 6), unreadable(3), is_partial=True).verdict is WRONG


def test_lost_counters_explain_a_surplus_before_the_loss_only() -> None:
    since_ms = HOUR * HOUR_MS + 5
    lost = balance(line(0, 7), since_ms=since_ms)
    assert (lost.verdict, lost.unwitnessed, lost.unaccepted) == (UNWITNESSED, 7, 0)
    later = balance(line(0, 7, hour=HOUR + 1), since_ms=since_ms)
    assert (later.verdict, later.unwitnessed, later.unaccepted) == (WRONG, 0, 7)
    assert balance(line(7, 0), since_ms=since_ms).verdict is WRONG
    assert balance(line(7, 7), since_ms=since_ms).verdict is EXACT


def test_readings_of_different_times_are_wrong_whatever_they_say() -> None:
    assert balance(line(1, 1), fault="restored").verdict is WRONG
