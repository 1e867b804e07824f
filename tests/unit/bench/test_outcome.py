"""What is wrong with a result is found, whatever it is."""

from __future__ import annotations

from typing import Any

import pytest

from bench.e2e.outcome import Answers, Outcome
from bench.e2e.verify import Verified
from bench.generator import Drive

WELL = Verified(acknowledged=10, rows=10, missing=0, doubled=0, reused=0)
NOBODYS = "{} rows nobody was told of, where {} may be"
TOTAL = {
    "sent_events": 12,
    "accepted": 3,
    "events": 9,
    "mismatched": 0,
    "synced": 3,
    "lost": 0,
}


def fault(answers: Answers, verified: Verified) -> str:
    return Outcome("crash", "ingest", {}, answers, verified, {}).fault


@pytest.mark.parametrize(
    ("answers", "verified", "told"),
    [
        (Answers(0), Verified(0, 0, 0, 0, 0), "nothing was accepted"),
        (Answers(10, lacking=2), WELL, "2 events of a fixed number were refused"),
        (Answers(10, mismatched=1), WELL, "1 answers without an id for each event"),
        (Answers(10, unsynced=4), WELL, "4 answers that promise no fsync"),
        (Answers(12), WELL, "12 events accepted, 10 ids known"),
        (Answers(10), Verified(10, 9, 1, 0, 0), "1 acknowledged events are not in the table"),
        (Answers(10), Verified(10, 11, 0, 1, 0), "1 rows are doubled"),
        (Answers(10), Verified(10, 9, 0, 0, 1), "1 ids were given twice"),
        (Answers(10), Verified(10, 20, 0, 0, 0), NOBODYS.format(10, 0)),
        (Answers(10, unknown=4), Verified(10, 15, 0, 0, 0), NOBODYS.format(5, 4)),
    ],
)
def test_each_fault_is_told(answers: Answers, verified: Verified, told: str) -> None:
    assert fault(answers, verified) == told


def test_a_lost_answer_explains_a_row_that_nobody_was_told_of() -> None:
    assert fault(Answers(10), WELL) == ""
    assert fault(Answers(10, unknown=2), Verified(10, 12, 0, 0, 0)) == ""


def drive(codes: dict[str, int], **total: int) -> Drive:
    raw: dict[str, Any] = {"total": TOTAL | total, "codes": codes, "largest": 4}
    return Drive(raw, 0.0)


def test_answers_are_counted_from_the_generator_and_the_probes() -> None:
    codes = {"outcome_unknown": 1, "worker_unreachable": 1, "overloaded": 5}
    told = drive(codes, mismatched=1, synced=1, lost=1)
    assert Answers.of(told, 1, needs_all=True, promises_fsync=True) == Answers(10, 1, 2, 12, 3)
    assert Answers.of(told, 0, needs_all=False, promises_fsync=False) == Answers(9, 1, 0, 12, 0)
