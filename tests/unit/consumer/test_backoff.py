"""Pauses double up to a bound and begin anew after a success."""

from __future__ import annotations

from ingest.consumer.backoff import FIRST_S, LASTING_MAX_S, PASSING_MAX_S, Backoff
from ingest.errors import NeedsPerson, Retryable


def test_pauses_grow_to_their_bound() -> None:
    backoff = Backoff()
    pauses = [backoff.next_s(Retryable("away")) for _ in range(20)]
    assert FIRST_S / 2 <= pauses[0] <= FIRST_S
    assert all(PASSING_MAX_S / 2 <= pause <= PASSING_MAX_S for pause in pauses[10:])


def test_what_needs_a_person_is_asked_seldom() -> None:
    backoff = Backoff()
    pauses = [backoff.next_s(NeedsPerson("password")) for _ in range(20)]
    assert all(LASTING_MAX_S / 2 <= pause <= LASTING_MAX_S for pause in pauses[10:])


def test_a_success_begins_anew() -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff.next_s(Retryable("away"))
    backoff.reset()
    assert backoff.next_s(Retryable("away")) <= FIRST_S


def test_pauses_are_spread() -> None:
    assert len({Backoff().next_s(Retryable("away")) for _ in range(10)}) > 1
