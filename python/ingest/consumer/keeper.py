"""The keeping thread: renews the lease, shares the shards, and makes partitions ahead.

It has a connection of its own, so that a long transaction of the writer never looks like a death.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingest import log
from ingest.consumer.backoff import Backoff
from ingest.errors import IngestError, NeedsPerson
from ingest.store import partitions, session
from ingest.store.errors import translated

if TYPE_CHECKING:
    import threading

    from ingest.consumer.assignment import Assignment
    from ingest.consumer.lease import Lease
    from ingest.settings import Settings
    from ingest.store.session import Connection

UPKEEP_S = 3600.0

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
        self._upkeep_due = time.monotonic() + UPKEEP_S
        self.connection: Connection | None = None

    def run(self) -> None:
        """Beat until the stop."""
        backoff = Backoff()
        pause_s = self._lease.beat_s
        while not self._stop.wait(pause_s):
            try:
                self._beat()
            except IngestError as error:
                pause_s = min(backoff.next_s(error), self._lease.beat_s)
                tell = _log.error if isinstance(error, NeedsPerson) else _log.warning
                tell("lease not renewed", error=str(error), again_in_s=round(pause_s, 2))
            else:
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

    def make_partitions(self, connection: Connection) -> None:
        """Make the partitions on which events may lie, and drop those past their time."""
        back, ahead = self._settings.partitions_back_days, self._settings.partitions_ahead_days
        days = partitions.window(connection, back, ahead)
        made = partitions.ensure(connection, days)
        _log.info("partitions", made=len(made))
        if self._settings.retention_days:
            today = days[back]
            dropped = partitions.drop_before(connection, today - self._settings.retention_days)
            _log.info("partitions", dropped=dropped)

    def _beat(self) -> None:
        if self.connection is None or self.connection.closed:
            self.connection = session.connect(self._dsn, f"ingest lease {self._lease.owner}")
        with translated():
            self._lease.beat(self.connection)
        self.share(self.connection)
        if time.monotonic() >= self._upkeep_due:
            self._upkeep_due = time.monotonic() + UPKEEP_S
            self.make_partitions(self.connection)
