"""What a client wrote is read back; a reason that an answer does not give is found."""

from __future__ import annotations

from pathlib import Path

from bench.crash import answers, journal
from bench.crash.journal import Answer, Journal, Outcome, Sent
from bench.crash.verify import Kind

SENT = Sent(1, 5.0, 2)
ACCEPTED = Answer(1, 5.5, Outcome.ACCEPTED, 202, "", "fsync", bytes(range(16)), {1: "too_long"})
FULL = Answer(2, 6.0, Outcome.REFUSED, 503, "stream_full")
CUT = Answer(3, 7.0, Outcome.UNKNOWN, detail="TimeoutError: timed out")


def test_lines_are_read_back_in_order_and_by_client(tmp_path: Path) -> None:
    with Journal(tmp_path, 4) as four, Journal(tmp_path, 5) as five:
        four.write(SENT)
        five.write(FULL)
        four.write(ACCEPTED)
    assert sorted(journal.read(tmp_path), key=lambda line: line[0]) == [
        (4, SENT),
        (4, ACCEPTED),
        (5, FULL),
    ]


def test_answers_are_counted_by_second_and_reason() -> None:
    told = answers.summarize([(4, SENT), (4, ACCEPTED), (4, FULL), (4, CUT)])
    assert told.accepted == {5: 1}
    assert told.acks == {"fsync": 1}
    assert told.reasons == {"503 stream_full": 1, "unknown: TimeoutError": 1}
    assert [told.failures(0, 5.9), told.failures(6.0, 6.0), told.failures(0, 9)] == [0, 1, 2]
    assert told.findings == []


def test_an_answer_or_a_rejection_without_a_known_reason_is_found() -> None:
    bare = Answer(2, 6.0, Outcome.REFUSED, 503, "", detail="<html>")
    made_up = Answer(1, 5.5, Outcome.ACCEPTED, 202, rejected={0: "because"})
    told = answers.summarize([(4, bare), (4, made_up), (4, CUT)])
    assert [finding.kind for finding in told.findings] == [Kind.UNREASONED] * 2


def test_an_event_that_was_refused_for_good_is_no_failure() -> None:
    refused = Answer(2, 6.0, Outcome.REFUSED, 422, "missing_field")
    assert answers.summarize([(4, refused)]).failed_at == []
