"""The stream as the server of this moment holds it: there, the same as before, and trimmed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ingest.consumer.assignment import Tenure
    from ingest.consumer.trim import Trimmer
    from ingest.stream.read import StreamReader

# How often is asked whether the shards are there, and whether the server is still the same.
PRESENCE_S = 1.0
IDENTITY_S = 10.0
# Each trim is a write that Valkey syncs; at 100 MB/s so many are 20 MB held longer than needed.
TRIM_S = 0.2


class Source:
    """What has to be done for the stream now and then; `run_id` names the server's present run."""

    def __init__(self, reader: StreamReader, trimmer: Trimmer, shards: int) -> None:
        self.run_id = ""
        self._reader = reader
        self._trimmer = trimmer
        self._shards = shards
        self._identity_due = self._presence_due = self._trim_due = 0.0

    def doubt(self) -> None:
        """Note that it may be another server now."""
        self._identity_due = 0.0

    def check(self, cursors: Mapping[int, str], now: float) -> None:
        """See from time to time that it is the same server and that it has the shards."""
        if now >= self._presence_due:
            self._presence_due = now + PRESENCE_S
            if cursors and not self._reader.are_present(cursors):
                self.doubt()
        if now >= self._identity_due:
            self.run_id = self._reader.run_id()
            self._reader.agree_on_count(self._shards)
            for shard, cursor in cursors.items():
                self._reader.open(shard, cursor)
            self._identity_due = now + IDENTITY_S

    def trim(self, tenures: Iterable[Tenure], now: float) -> None:
        """Let go of what is committed, a few times a second."""
        if now < self._trim_due:
            return
        self._trim_due = now + TRIM_S
        if trims := self._trimmer.due(tenures, time.time_ns() // 1_000_000):
            self._trimmer.done(self._reader.trim(trims))
