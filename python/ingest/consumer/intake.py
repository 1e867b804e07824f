"""The reading thread: gathers entries of the owned shards and hands spans to the writing thread.

Reading the next span overlaps the COPY of the last. While the writer is busy a span goes on growing
up to its bound, so transactions become larger as load grows; beyond the bound the shard is not read
until there is room. Nothing here is durable: what is lost with this thread is read again.
"""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, NamedTuple

from ingest import log
from ingest.consumer.backoff import Backoff
from ingest.consumer.gather import Gathering, TooNew
from ingest.consumer.position import START
from ingest.errors import IngestError
from ingest.stream.read import count_for

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable

    from ingest.consumer.assignment import Assignment
    from ingest.consumer.gather import Span
    from ingest.consumer.trim import Trimmer
    from ingest.settings import Settings
    from ingest.stream.read import Entry, StreamReader

# An idle read blocks so long; within it a new shard, a stop or a trim waits.
IDLE_S = 0.1
# How often is asked whether a shard's stream is there, and whether the server is still the same.
PRESENCE_S = 1.0
IDENTITY_S = 10.0
# Each trim is a write that Valkey syncs; at 100 MB/s so many are 20 MB held longer than needed.
TRIM_S = 0.2
# A shard with an entry that is too new is looked at again after this.
REST_S = 5.0
# The least wait for the writer, should no linger be configured.
MIN_OFFER_S = 0.005

_log = log.get(__name__)


class Policy(NamedTuple):
    """The bounds of a span."""

    max_rows: int
    max_bytes: int
    linger_rows: int
    linger_s: float

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """Take the bounds from the settings."""
        linger_s = settings.linger_ms / 1000
        return cls(settings.chunk_rows, settings.chunk_bytes, settings.linger_rows, linger_s)


class Intake:
    """Everything that needs the stream, on one connection and one thread."""

    def __init__(
        self,
        reader: StreamReader,
        assignment: Assignment,
        policy: Policy,
        trimmer: Trimmer,
        stop: threading.Event,
    ) -> None:
        self.spans: queue.Queue[Span] = queue.Queue(maxsize=1)
        self._reader = reader
        self._assignment = assignment
        self._policy = policy
        self._trimmer = trimmer
        self._stop = stop
        self._gatherings: dict[int, Gathering] = {}
        self._resting: dict[int, float] = {}
        self._behind: set[int] = set()
        self._largest_bytes = 0
        self._run_id = ""
        self._identity_due = self._presence_due = self._trim_due = 0.0

    def run(self) -> None:
        """Read until the stop; errors of the stream are told and tried again for ever."""
        backoff = Backoff()
        while not self._stop.is_set():
            try:
                self._turn()
                backoff.reset()
            except IngestError as error:
                pause_s = backoff.next_s(error)
                _log.warning("reading failed", error=str(error), again_in_s=round(pause_s, 2))
                self._identity_due = 0.0  # it may be another server now
                self._stop.wait(pause_s)

    def _turn(self) -> None:
        self._check_server(time.monotonic())
        self._follow_assignment()
        self._read()
        self._hand_over()
        self._trim(time.monotonic())
        self._linger()

    def _check_server(self, now: float) -> None:
        if now >= self._presence_due:
            self._presence_due = now + PRESENCE_S
            if self._gatherings and not self._reader.are_present(self._gatherings):
                self._identity_due = now
        if now >= self._identity_due:
            self._run_id = self._reader.run_id()
            for gathering in self._gatherings.values():
                self._open(gathering)
            self._identity_due = now + IDENTITY_S

    def _follow_assignment(self) -> None:
        tenures = {tenure.shard: tenure for tenure in self._assignment.tenures()}
        for shard, gathering in list(self._gatherings.items()):
            if gathering.tenure is not tenures.get(shard):
                del self._gatherings[shard]
        for shard in tenures.keys() - self._gatherings.keys():
            entry_id, run_id = tenures[shard].start
            gathering = Gathering(tenures[shard], run_id, before=entry_id, cursor=entry_id)
            self._open(gathering)
            self._gatherings[shard] = gathering

    def _open(self, gathering: Gathering) -> None:
        """Make sure of the stream; on another server, entries behind the cursor may be unread."""
        self._reader.open(gathering.tenure.shard, gathering.cursor)
        if gathering.run_id != self._run_id and gathering.cursor != START:
            self._read_again(gathering)
        gathering.run_id = self._run_id

    def _read_again(self, gathering: Gathering) -> None:
        shard, cursor = gathering.tenure.shard, gathering.cursor
        if not gathering.is_empty:
            self._put(gathering)
        again = Gathering(gathering.tenure, gathering.run_id, cursor, START, is_reread=True)
        while entries := self._reader.read_again(shard, again.cursor, cursor, self._count(1)):
            again.add(entries, time.monotonic())
            if self._is_full(again):
                self._put(again)
        if not again.is_empty:
            _log.info("reading again behind the position", shard=shard, upto=cursor)
            self._put(again)

    def _put(self, gathering: Gathering) -> None:
        """Hand over however long it takes; what is lost on the way out is read again."""
        while not self._stop.is_set() and self._assignment.holds(gathering.tenure):
            if self._offer(gathering):
                return
        gathering.restart()

    def _offer(self, gathering: Gathering) -> bool:
        try:
            wait_s = max(self._policy.linger_s, MIN_OFFER_S)
            self.spans.put(gathering.span(), timeout=wait_s)
        except queue.Full:
            return False
        gathering.restart()
        return True

    def _read(self) -> None:
        now = time.monotonic()
        cursors = {
            shard: gathering.cursor
            for shard, gathering in self._gatherings.items()
            if not self._is_full(gathering) and self._resting.get(shard, 0.0) <= now
        }
        is_idle = all(gathering.is_empty for gathering in self._gatherings.values())
        if not cursors:
            self._stop.wait(IDLE_S if is_idle else 0)
            return
        count = self._count(len(cursors))
        found = self._reader.read(cursors, count, int(IDLE_S * 1000) if is_idle else 0)
        self._behind = {shard for shard, entries in found.items() if len(entries) == count}
        self._largest_bytes = max((len(e.data) for each in found.values() for e in each), default=0)
        for shard, entries in found.items():
            self._add(self._gatherings[shard], entries)

    def _add(self, gathering: Gathering, entries: Iterable[Entry]) -> None:
        now = time.monotonic()
        try:
            gathering.add(entries, now)
        except TooNew as error:
            shard = gathering.tenure.shard
            _log.error("shard stopped: upgrade this consumer", shard=shard, error=str(error))
            self._resting[shard] = now + REST_S

    def _hand_over(self) -> None:
        """Offer what is ready, the oldest first."""
        now = time.monotonic()
        filled = [each for each in self._gatherings.values() if each.opened_at is not None]
        for gathering in sorted(filled, key=lambda each: each.opened_at or now):
            if self._wait_s(gathering, now) <= 0 and not self._offer(gathering):
                return

    def _wait_s(self, gathering: Gathering, now: float) -> float:
        """How long to wait for more: not when there is enough, or more could be read at once."""
        if gathering.opened_at is None or self._is_full(gathering):
            return 0.0
        is_caught_up = gathering.tenure.shard not in self._behind
        if is_caught_up and gathering.chunk.rows >= self._policy.linger_rows:
            return 0.0
        return gathering.opened_at + self._policy.linger_s - now

    def _linger(self) -> None:
        now = time.monotonic()
        waits = [self._wait_s(each, now) for each in self._gatherings.values() if not each.is_empty]
        if waits and not self._behind:
            self._stop.wait(max(0.0, min(waits)))

    def _trim(self, now: float) -> None:
        if now < self._trim_due:
            return
        self._trim_due = now + TRIM_S
        tenures = [gathering.tenure for gathering in self._gatherings.values()]
        if trims := self._trimmer.due(tenures, time.time_ns() // 1_000_000):
            self._reader.trim(trims)
            self._trimmer.done(trims)

    def _is_full(self, gathering: Gathering) -> bool:
        return gathering.is_full(self._policy.max_rows, self._policy.max_bytes)

    def _count(self, shard_count: int) -> int:
        return count_for(self._largest_bytes, shard_count)
