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


class _Known(NamedTuple):
    """What the ledger told last, and the sample of that moment."""

    ledger: int
    sample: Sample


class Unsettled:
    """Compares what was accepted with what is settled; for one thread."""

    def __init__(self, store: StoreWatch, stream: StreamWatch) -> None:
        self._store = store
        self._stream = stream
        self._known: _Known | None = None

    def count(self, sample: Sample) -> int | None:
        """Give the events of a moment; None when they can't be known.

        While PostgreSQL is away its ledger stands still: it is what it told last, and what
        consumers have counted since, which is what was committed between that and its end.
        """
        try:
            accepted = self._accepted(sample.stream)
            if sample.store is not None and accepted is not None and sample.stream is not None:
                hour = _hour(accepted, sample.stream)
                self._known = _Known(self._store.unsettled(hour), sample)
        except IngestError:
            return None
        if sample.stream is None or (sample.store is None and self._known is None):
            return None
        if not sample.stream.waiting:
            return 0
        if accepted is None or self._known is None:
            return None
        since = Deltas(sample, self._known.sample).increase(metrics.SETTLED)
        least = 1 if sample.store is None else 0  # an entry that waits holds one
        return max(least, accepted.events + self._known.ledger - int(since))

    def _accepted(self, stream: StreamLook | None) -> Accepted | None:
        return None if stream is None else self._stream.accepted(len(stream.shards))


def _hour(accepted: Accepted, stream: StreamLook) -> int:
    """Give the unix hour from which on the ledger is asked: an hour before all that waits."""
    waiting_h = int(stream.state.now_ms or 0) // 1000 - stream.oldest_s
    return min(accepted.oldest_hour or 1 << 31, int(waiting_h) // 3600 - 1)
