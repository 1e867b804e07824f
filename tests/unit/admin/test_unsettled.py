"""What the ledger told last, gone on from by the consumers' counts."""

from __future__ import annotations

from ingest import metrics
from ingest.admin.sample import Sample
from ingest.admin.unsettled import LastLedger
from ingest.tally import Tally

from tests.unit.admin.samples import process, sample


def at(clock: float, settled: int, pid: int = 1, started: float = 0.0) -> Sample:
    """Sample a consumer that has settled so many events since its start."""
    about = metrics.SETTLED.about
    tally = Tally(about.name, about.unit, about.meaning, "fate")
    tally.counts["stored",] = settled
    return sample(clock, {"consumer-0": process(tally, pid=pid, started=started)})


def test_nothing_is_known_before_it_told() -> None:
    assert LastLedger().at(at(0, 5)) is None


def test_it_goes_on_by_what_was_settled_since() -> None:
    last = LastLedger()
    last.keep(-100, at(0, 100))
    assert last.at(at(1, 100)) == -100
    assert last.at(at(2, 130)) == -130


def test_a_commit_between_the_counts_and_the_ledger_is_not_counted_twice() -> None:
    last = LastLedger()
    last.keep(0, at(0, 0))
    last.keep(-50, at(1, 0))  # the consumer had committed, and had not counted it when it was asked
    assert last.at(at(2, 50)) == -50


def test_counts_that_were_lost_with_their_consumer_are_not_waited_for() -> None:
    last = LastLedger()
    first = at(0, 0)
    last.keep(0, first)
    again = [at(clock, 0, pid=2, started=first.at + 1) for clock in (2, 3, 4)]
    last.keep(-50, again[0])
    last.keep(-50, again[1])
    assert last.at(again[2]) == -50


def test_what_was_folded_into_it_is_kept_at_once() -> None:
    last = LastLedger()
    last.keep(-100, at(0, 100))
    last.keep(-20, at(1, 100))
    assert last.at(at(2, 110)) == -30
