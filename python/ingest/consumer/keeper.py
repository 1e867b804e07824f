"""The keeping thread: renews the lease, shares the shards, and makes partitions ahead.

It has a connection of its own, so that a long transaction of the writer never looks like a death.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, LiteralString

from ingest import log, metrics
from ingest.consumer.backoff import Backoff
from ingest.consumer.outage import Outage
from ingest.errors import IngestError
from ingest.store import partitions, session
from ingest.store.errors import translated

if TYPE_CHECKING:
    import threading

    from ingest.consumer.assignment import Assignment
    from ingest.consumer.lease import Lease
    from ingest.settings import Settings
    from ingest.store.session import Connection

UPKEEP_S = 3600.0
# Between two partitions that are dropped, or after a failure: a few beats of the lease.
UPKEEP_AGAIN_S = 5.0
# No lock is worth the lease.
LOCK_TIMEOUT_MS = 500
# Sharing is a few statements under a lock that all consumers need: whoever is frozen between two of
# them for so many beats loses its connection, and the lock with it.
IDLE_BEATS = 2
IDLE_TIMEOUT: LiteralString = "SELECT set_config('idle_in_transaction_session_timeout', %s, false)"

_log = log.get(__name__)


class Keeper:
    """Beats a few times in each lease; what fails is tried again at the next beat."""

    def __init__(
        self,
        dsn: str,
        lease: Lease,
        assignment: Assignment,
        settings: Settings,
        stop: threading.Event,
    ) -> None:
        self._dsn = dsn
        self._lease = lease
        self._assignment = assignment
        self._settings = settings
        self._stop = stop
        self._upkeep_due = 0.0
        self._outage = Outage("lease not renewed", "lease renewed again")
        self._upkeep_outage = Outage("upkeep failed", "upkeep works again")
        self._fault = ""
        self._beaten_at = math.inf
        self.connection: Connection | None = None

    @property
    def fault(self) -> str:
        """Why the lease is not renewed at present; empty while it is.

        Of a server that hangs no error comes: its silence is told, as long as the lease.
        """
        silent_s = time.monotonic() - self._beaten_at
        if not self._fault and silent_s > self._settings.lease_s:
            return f"PostgreSQL has not answered for {silent_s:.0f} s"
        return self._fault

    def run(self) -> None:
        """Beat until the stop."""
        self._beaten_at = time.monotonic()
        backoff = Backoff()
        pause_s = self._lease.beat_s
        while not self._stop.wait(pause_s):
            try:
                self._beat()
            except IngestError as error:
                self._fault = str(error)
                metrics.RETRIES.counts["lease",] += 1
                pause_s = min(backoff.next_s(error), self._lease.beat_s)
                self._outage.tell(error, pause_s)
            else:
                self._fault = ""
                self._outage.end()
                backoff.reset()
                pause_s = self._lease.beat_s
        if self.connection is not None:
            self.connection.close()

    def share(self, connection: Connection) -> None:
        """Take or give shards and tell the other threads which are owned."""
        with translated():
            for name in self._lease.bury_dead(connection):
                _log.warning("took over from a dead consumer", owner=name)
            came, went = self._assignment.sync(self._lease.balance(connection))
        if came or went:
            _log.info("shards", owner=self._lease.owner, came=came, went=went)

    def make_partitions(self, connection: Connection) -> range:
        """Make the partitions of the days on which events may lie; give those days.

        None that retention would drop again: a late event makes its own.
        """
        keep_days = self._settings.retention_days or self._settings.partitions_back_days
        back_days = min(keep_days, self._settings.partitions_back_days)
        days = partitions.window(connection, back_days, self._settings.partitions_ahead_days)
        if made := partitions.ensure(connection, days):
            _log.info("partitions made", days=len(made))
        return days

    def _beat(self) -> None:
        if self.connection is None or self.connection.closed:
            name = f"ingest lease {self._lease.owner}"
            self.connection = session.connect(self._dsn, name, LOCK_TIMEOUT_MS)
            idle_ms = int(self._lease.beat_s * IDLE_BEATS * 1000)
            with translated():
                self.connection.execute(IDLE_TIMEOUT, (f"{idle_ms}ms",))
        with translated():
            self._lease.beat(self.connection)
        self._beaten_at = time.monotonic()
        self.share(self.connection)
        if time.monotonic() >= self._upkeep_due:
            self._upkeep_due = time.monotonic() + UPKEEP_AGAIN_S
            if not self._upkeep(self.connection):
                self._upkeep_due = time.monotonic() + UPKEEP_S

    def _upkeep(self, connection: Connection) -> bool:
        """Make partitions and drop one past its time; True if there may be more to do."""
        try:
            days = self.make_partitions(connection)
            today = days.stop - 1 - self._settings.partitions_ahead_days
            keep_days = self._settings.retention_days or today
            dropped = partitions.drop_oldest(connection, today - keep_days)
        except IngestError as error:
            self._upkeep_outage.tell(error, UPKEEP_AGAIN_S)
            return True
        self._upkeep_outage.end()
        if dropped is not None:
            _log.info("partition dropped", name=dropped)
        return dropped is not None
