"""The comparison finds what it is for: a lost, a doubled, a foreign row, and the rest."""

from __future__ import annotations

import uuid
from typing import TypeAlias

import pytest

from bench.crash.history import join
from bench.crash.journal import Answer, Outcome, Sent
from bench.crash.marker import Marker
from bench.crash.verify import Kind, Row, Verdict, verify

Entries: TypeAlias = list[tuple[int, Sent | Answer]]
CLIENT = 3


def event_id(number: int) -> bytes:
    return uuid.UUID(int=number).bytes


def sent(request: int = 1, events: int = 3) -> tuple[int, Sent]:
    return CLIENT, Sent(request, float(request), events)


def accepted(
    request: int = 1, ids: tuple[int, ...] = (10, 11, 12), rejected: dict[int, str] | None = None
) -> tuple[int, Answer]:
    joined = b"".join(map(event_id, ids))
    answer = Answer(
        request, request + 0.5, Outcome.ACCEPTED, 202, ids=joined, rejected=rejected or {}
    )
    return CLIENT, answer


def ended(outcome: Outcome, request: int = 1) -> tuple[int, Answer]:
    return CLIENT, Answer(request, request + 0.5, outcome)


def row(event: int, number: int, request: int = 1) -> Row:
    return Row(str(Marker(CLIENT, request, event)), event_id(number))


ALL = [row(0, 10), row(1, 11), row(2, 12)]


def judged(entries: Entries, rows: list[Row]) -> Verdict:
    return verify(join(entries), rows)


def test_all_acknowledged_and_stored_once_is_clean() -> None:
    verdict = judged([sent(), accepted()], ALL)
    assert verdict.is_clean
    assert (verdict.acknowledged, verdict.stored) == (3, 3)


@pytest.mark.parametrize("missing", range(3))
def test_a_missing_row_is_lost(missing: int) -> None:
    rows = [each for index, each in enumerate(ALL) if index != missing]
    verdict = judged([sent(), accepted()], rows)
    assert verdict.counts == {Kind.LOST: 1}
    assert verdict.findings[0].what == f"event 3-1-{missing}"
    assert verdict.findings[0].at == 1.5


def test_an_event_in_two_rows_is_doubled() -> None:
    verdict = judged([sent(), accepted()], [*ALL, row(1, 99)])
    assert verdict.counts[Kind.DOUBLED] == 1
    assert verdict.counts[Kind.RENAMED] == 1


def test_the_same_row_twice_is_doubled() -> None:
    assert judged([sent(), accepted()], [*ALL, row(2, 12)]).counts == {Kind.DOUBLED: 1}


@pytest.mark.parametrize("marker", [None, "never, by a test", "3-2-0", "3-1-3", "4-1-0", "3-1"])
def test_a_row_that_nobody_sent_is_foreign(marker: str | None) -> None:
    verdict = judged([sent(), accepted()], [*ALL, Row(marker, event_id(99))])
    assert verdict.counts == {Kind.FOREIGN: 1}


def test_a_row_of_a_refused_request_is_foreign() -> None:
    verdict = judged([sent(), ended(Outcome.REFUSED)], [row(0, 10)])
    assert verdict.counts == {Kind.FOREIGN: 1}


def test_a_row_of_a_request_that_was_never_sent_is_foreign() -> None:
    verdict = judged([sent(), ended(Outcome.UNSENT)], [row(0, 10)])
    assert verdict.counts == {Kind.FOREIGN: 1}


def test_a_row_of_a_rejected_event_is_foreign() -> None:
    entries: Entries = [sent(), accepted(ids=(10, 12), rejected={1: "missing_field"})]
    assert judged(entries, [row(0, 10), row(2, 12)]).is_clean
    assert judged(entries, ALL).counts == {Kind.FOREIGN: 1}


@pytest.mark.parametrize("rows", [[], ALL[:1], ALL])
def test_rows_of_an_unknown_outcome_may_be_there_or_not(rows: list[Row]) -> None:
    verdict = judged([sent(), ended(Outcome.UNKNOWN)], rows)
    assert verdict.is_clean
    assert verdict.unknown_stored == len(rows)


def test_a_request_without_any_answer_is_unknown() -> None:
    assert judged([sent()], ALL).is_clean


def test_rows_of_an_unknown_outcome_may_be_there_only_once() -> None:
    verdict = judged([sent(), ended(Outcome.UNKNOWN)], [*ALL, row(1, 99)])
    assert verdict.counts == {Kind.DOUBLED: 1}


def test_a_retry_that_was_accepted_settles_an_unknown_outcome() -> None:
    entries: Entries = [sent(), ended(Outcome.UNKNOWN), sent(), accepted()]
    assert judged(entries, ALL).is_clean
    assert judged(entries, ALL[:2]).counts == {Kind.LOST: 1}


def test_a_row_under_another_id_is_renamed() -> None:
    verdict = judged([sent(), accepted()], [*ALL[:2], row(2, 99)])
    assert verdict.counts == {Kind.RENAMED: 1}


def test_two_answers_with_other_ids_contradict_each_other() -> None:
    entries: Entries = [sent(), accepted(), sent(), accepted(ids=(10, 11, 13))]
    assert judged(entries, ALL).counts == {Kind.CONTRADICTED: 1}
    assert judged([sent(), accepted(), sent(), accepted()], ALL).is_clean


def test_an_answer_that_does_not_account_for_every_event_contradicts_the_request() -> None:
    verdict = judged([sent(), accepted(ids=(10, 11))], ALL[:2])
    assert verdict.counts == {Kind.CONTRADICTED: 1, Kind.LOST: 1}
