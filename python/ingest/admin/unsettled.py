"""How many events are accepted and not committed, also while PostgreSQL can't be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ingest import metrics
from ingest.admin.deltas import Deltas
from ingest.errors import IngestError

if TYPE_CHECKING:
    from ingest.admin.sample import Sample
    from ingest.store.look import StoreWatch
    from ingest.stream.look import Accepted, StreamLook, StreamWatch


class _Told(NamedTuple):
    """What the ledger told, and the sample of that moment."""

    ledger: int
    sample: Sample


class LastLedger:
    """What the ledger told last, to go on from while PostgreSQL is away. No IO."""

    def __init__(self) -> None:
        self._told: _Told | None = None
        self._is_doubted = False

    def keep(self, ledger: int, sample: Sample) -> None:
        """Keep what it told, unless it was ahead of the consumers' counts, read before it.

        A commit between the two would be counted twice, as long as PostgreSQL is away. Counts that
        were lost with a consumer look the same: never are two samples left out, one after another.
        """
        before = self.at(sample)
        self._is_doubted = before is not None and ledger < before and not self._is_doubted
        if not self._is_doubted:
            self._told = _Told(ledger, sample)

    def at(self, sample: Sample) -> int | None:
        """Give what it would tell at a later sample: less by what consumers counted since."""
        if self._told is None:
            return None
        since = Deltas(sample, self._told.sample).increase(metrics.SETTLED)
        return self._told.ledger - int(since)


class Unsettled:
    """Compares what was accepted with what is settled; for one thread."""

    def __init__(self, store: StoreWatch, stream: StreamWatch) -> None:
        self._store = store
        self._stream = stream
        self._last = LastLedger()

    def count(self, sample: Sample) -> int | None:
        """Give the events of a moment; None when they can't be known.

        While PostgreSQL is away its ledger stands still: it is what it told last, and what
        consumers have counted since, which is what was committed between that and its end.
        """
        stream = sample.stream
        if stream is None:
            return None
        try:
            accepted = self._stream.accepted(len(stream.shards))
            ledger = self._ledger(sample, accepted, stream)
        except IngestError:
            return None
        if not stream.waiting:
            return None if sample.store is None and ledger is None else 0
        if accepted is None or ledger is None:
            return None
        least = 1 if sample.store is None else 0  # an entry that waits holds one
        return max(least, accepted.events + ledger)

    def _ledger(self, sample: Sample, accepted: Accepted | None, stream: StreamLook) -> int | None:
        if sample.store is None:
            return self._last.at(sample)
        if accepted is None:
            return None
        ledger = self._store.unsettled(_hour(accepted, stream))
        self._last.keep(ledger, sample)
        return ledger


def _hour(accepted: Accepted, stream: StreamLook) -> int:
    """Give the unix hour from which on the ledger is asked: an hour before all that waits."""
    waiting_h = int(stream.state.now_ms or 0) // 1000 - stream.oldest_s
    return min(accepted.oldest_hour or 1 << 31, int(waiting_h) // 3600 - 1)
