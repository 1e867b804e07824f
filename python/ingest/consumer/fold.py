"""Folds the counters of closed hours, so that Valkey holds those of a few hours only.

A thread of its own with connections of its own: neither reading nor the lease waits for it. Any
consumer may fold any shard, and two may try the same one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingest import log, metrics
from ingest.errors import IngestError
from ingest.store import fold, session
from ingest.store.fold import Fold
from ingest.stream.accepted import AcceptedCounters, Subtracted, lines

if TYPE_CHECKING:
    import threading

    from ingest.consumer.assignment import Assignment
    from ingest.store.session import Connection
    from ingest.stream.accepted import Fields

PERIOD_S = 600.0
# An hour counts as closed once it has been over for another, though late counts do no harm.
CLOSED_HOURS = 1
HOUR_S = 3600

_log = log.get(__name__)


class Folder:
    """Folds the shards that this consumer owns, now and then."""

    def __init__(
        self, dsn: str, valkey_url: str, assignment: Assignment, stop: threading.Event
    ) -> None:
        self._dsn = dsn
        self._valkey_url = valkey_url
        self._assignment = assignment
        self._stop = stop
        self.connection: Connection | None = None

    def run(self) -> None:
        """Fold until the stop; what fails is left for the next time."""
        while not self._stop.wait(PERIOD_S):
            try:
                self._fold()
            except IngestError as error:
                metrics.RETRIES.counts["fold",] += 1
                _log.warning("counters not folded", error=str(error), again_in_s=PERIOD_S)

    def _fold(self) -> None:
        before = int(time.time()) // HOUR_S - CLOSED_HOURS
        with (
            session.connect(self._dsn, "ingest fold") as connection,
            AcceptedCounters(self._valkey_url, "ingest-fold") as counters,
        ):
            self.connection = connection
            for tenure in self._assignment.tenures():
                if not self._stop.is_set():
                    fold_shard(connection, counters, tenure.shard, before)


def fold_shard(
    connection: Connection, counters: AcceptedCounters, shard: int, before_hour: int
) -> int:
    """Move a shard's counts of the hours before one to the ledger; give how many fields.

    First it ends what an earlier fold, also another consumer's, left half done.
    """
    counters.name_data_set(shard)
    last = fold.last(connection, shard)
    outcome = _finish(counters, shard, last)
    if outcome is Subtracted.AHEAD and fold.last(connection, shard) != last:
        return 0  # another consumer folds
    if outcome in {Subtracted.AHEAD, Subtracted.BEHIND}:
        _log.error("counters and ledger are of different times: one was restored", shard=shard)
        counters.distrust(shard, time.time_ns() // 1_000_000)
    return _fold_closed(connection, counters, shard, before_hour, last)


def _fold_closed(
    connection: Connection,
    counters: AcceptedCounters,
    shard: int,
    before_hour: int,
    last: Fold | None,
) -> int:
    folded = 0
    for fields in counters.closed(shard, before_hour):
        following = _next(last, fields)
        if not fold.record(connection, shard, following, last, lines(fields.rows)):
            break  # another consumer folds
        counters.subtract(shard, following.data_set, following.number, following.rows)
        last = following
        folded += len(fields.rows)
    return folded


def _next(last: Fold | None, fields: Fields) -> Fold:
    """Number the folds of a data set from 1."""
    is_same = last is not None and last.data_set == fields.data_set
    number = last.number + 1 if is_same and last is not None else 1
    return Fold(fields.data_set, number, fields.rows)


def _finish(counters: AcceptedCounters, shard: int, last: Fold | None) -> Subtracted:
    """Take the last fold from the counters if that is not done yet."""
    if last is not None:
        outcome = counters.subtract(shard, last.data_set, last.number, last.rows)
        if outcome is not Subtracted.OTHER:
            return outcome
    return counters.subtract(shard, "", 0, {})
