"""The writing thread's work: one span, one transaction, tried until it is settled.

The position moves in the rows' own transaction and before them, so the row of the position keeps
two writers of one shard apart. An answer to COMMIT that was lost is no riddle: the next attempt
finds the position moved. Without trouble a transaction takes four round trips, and two more when it
holds both kinds of rows.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingest import log, metrics
from ingest.consumer import position
from ingest.consumer.backoff import Backoff
from ingest.consumer.outage import Outage
from ingest.errors import IngestError, LeaseLost
from ingest.store import ledger, partitions, session
from ingest.store.errors import MissingPartition, RowRefused, translated

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable

    from ingest.consumer.assignment import Assignment
    from ingest.consumer.gather import Span
    from ingest.consumer.lease import Lease
    from ingest.store.ledger import Fates
    from ingest.store.session import Connection
    from ingest.store.sink import Sink

_log = log.get(__name__)
_commit = metrics.COMMIT_SECONDS.of()


class Writer:
    """One connection that writes, and what is known of the database behind it."""

    def __init__(
        self, dsn: str, lease: Lease, assignment: Assignment, sink: Sink, stop: threading.Event
    ) -> None:
        self._dsn = dsn
        self._lease = lease
        self._assignment = assignment
        self._sink = sink
        self._stop = stop
        self._backoff = Backoff()
        self._outage = Outage("writing failed", "writing fails no more")
        self._days: set[int] = set()
        # Why writing fails at present: told to whoever asks.
        self.fault = ""
        self.connection: Connection | None = None

    def settle(self, span: Span) -> Fates | None:
        """Store a span, however often it takes; None if another did or it was done before.

        Returns early only for a stop.
        """
        while self._assignment.holds(span.tenure):
            try:
                fates = self._write(span)
            except LeaseLost as error:
                _log.warning("shard lost", shard=span.step.shard, error=str(error))
                self._assignment.drop(span.tenure)
            except IngestError as error:
                self._pause(error)
            else:
                self._recover()
                metrics.LAST_COMMIT.set(time.time())
                span.tenure.committed = span.step.after
                span.tenure.stored_again += span.load.is_reread
                return fates
            if self._stop.is_set():
                return None
        self._recover()  # the shard is another's, which PostgreSQL has answered
        return None

    def connected(self) -> Connection:
        """Give the connection, opened again and made the lease's own if it was lost."""
        if self.connection is None or self.connection.closed:
            self._days.clear()
            self.connection = session.connect(self._dsn, f"ingest consumer {self._lease.owner}")
            with translated():
                self._lease.join(self.connection)
        return self.connection

    def close(self) -> None:
        """Give the shards back, if the server can be asked, and end the connection."""
        if self.connection is None or self.connection.closed:
            return
        try:
            with translated(), self.connection:
                self._lease.leave(self.connection)
        except IngestError as error:
            _log.warning("leases were not given back: they run out", error=str(error))

    def _write(self, span: Span) -> Fates | None:
        connection = self.connected()
        self._make_partitions(connection, span.load.chunk.days)
        with translated():
            try:
                return self._attempt(connection, span, sheltered=False)
            except RowRefused:
                return self._attempt(connection, span, sheltered=True)

    def _attempt(self, connection: Connection, span: Span, *, sheltered: bool) -> Fates | None:
        with session.closing_transaction(connection):
            if not position.advance(connection, span.step, self._lease.owner, begins=True):
                return None
            fates = self._sink.store(connection, span.load, sheltered=sheltered)
            began = time.perf_counter()
            ledger.add(connection, span.load.shard, fates, commits=True)
        _commit.observe(time.perf_counter() - began)
        return fates

    def _make_partitions(self, connection: Connection, days: Iterable[int]) -> None:
        unknown = {day for day in days if day not in self._days}
        if unknown:
            if made := partitions.ensure(connection, unknown):
                _log.info("partitions made", names=sorted(map(partitions.name_of, made)))
            self._days |= unknown

    def _recover(self) -> None:
        self._backoff.reset()
        self._outage.end()
        self.fault = ""

    def _pause(self, error: IngestError) -> None:
        self.fault = str(error)
        metrics.RETRIES.counts["write",] += 1
        if isinstance(error, MissingPartition):
            self._days.clear()  # one was dropped under us
        pause_s = self._backoff.next_s(error)
        self._outage.tell(error, pause_s)
        self._stop.wait(pause_s)
