"""The reading thread: gathers entries of the owned shards and hands spans to the writing thread.

Reading the next span overlaps the COPY of the last. While the writer is busy a span goes on growing
up to its bound, so transactions become larger as load grows; beyond the bound the shard is not read
until there is room. Nothing here is durable: what is lost with this thread is read again.
"""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING

from ingest import log, metrics
from ingest.consumer.backoff import Backoff
from ingest.consumer.gather import Gathering, TooNew
from ingest.consumer.outage import Outage
from ingest.consumer.pace import Held, Pace
from ingest.consumer.position import START
from ingest.errors import IngestError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable

    from ingest.consumer.assignment import Assignment, Tenure
    from ingest.consumer.gather import Span
    from ingest.consumer.linger import Linger
    from ingest.consumer.source import Source
    from ingest.stream.read import Entry, StreamReader

# An idle read blocks so long; within it a new shard, a stop or a trim waits.
IDLE_S = 0.1
# A shard with an entry that is too new is looked at again after this.
REST_S = 5.0
# The least wait for the writer, should no linger be configured.
MIN_OFFER_S = 0.005

_log = log.get(__name__)
_seconds = metrics.READ_SECONDS.of()


class Intake:
    """One connection to the stream and what has been read from it."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts that the loop puts together
        self,
        reader: StreamReader,
        source: Source,
        assignment: Assignment,
        pace: Pace,
        linger: Linger,
        stop: threading.Event,
    ) -> None:
        self.spans: queue.Queue[Span] = queue.Queue(maxsize=1)
        self._reader = reader
        self._source = source
        self._assignment = assignment
        self._pace = pace
        self._linger = linger
        self._stop = stop
        self._gatherings: dict[int, Gathering] = {}
        self._resting: dict[int, float] = {}
        self._behind: set[int] = set()
        # Why reading fails at present, and why a shard is stopped: told to whoever asks.
        self.fault = ""
        self.stopped: dict[int, str] = {}

    def run(self) -> None:
        """Read until the stop; errors of the stream are told and tried again for ever."""
        backoff, outage = Backoff(), Outage("reading failed", "reads again")
        while not self._stop.is_set():
            try:
                self._turn()
                backoff.reset()
                outage.end()
                self.fault = ""
            except IngestError as error:
                self.fault = str(error)
                metrics.RETRIES.counts["read",] += 1
                pause_s = backoff.next_s(error)
                outage.tell(error, pause_s)
                self._source.doubt()
                self._stop.wait(pause_s)

    def _turn(self) -> None:
        self._follow_assignment()
        cursors = {shard: each.cursor for shard, each in self._gatherings.items()}
        self._source.check(cursors, time.monotonic())
        self._catch_up()
        self._read()
        self._hand_over()
        self._source.trim(self._trimmable(), time.monotonic())
        self._wait_for_more()

    def _follow_assignment(self) -> None:
        tenures = {tenure.shard: tenure for tenure in self._assignment.tenures()}
        for shard, gathering in list(self._gatherings.items()):
            if gathering.tenure is not tenures.get(shard):
                del self._gatherings[shard]
                self.stopped.pop(shard, None)
        for shard in tenures.keys() - self._gatherings.keys():
            entry_id, run_id = tenures[shard].start
            self._reader.open(shard, entry_id)
            self._gatherings[shard] = Gathering(tenures[shard], run_id, entry_id, entry_id)

    def _catch_up(self) -> None:
        """On another server, entries behind the cursor may be unread: see to them first."""
        for shard, gathering in self._gatherings.items():
            if gathering.run_id == self._source.run_id or self._is_resting(shard):
                continue
            try:
                self._read_again(gathering)
                gathering.run_id = self._source.run_id
            except TooNew as error:
                self._rest(shard, error)

    def _trimmable(self) -> list[Tenure]:
        """On another server an entry behind the position goes only when it is stored, too."""
        return [
            gathering.tenure
            for gathering in self._gatherings.values()
            if gathering.run_id == self._source.run_id and gathering.tenure.is_stored_behind
        ]

    def _read_again(self, gathering: Gathering) -> None:
        shard, cursor = gathering.tenure.shard, gathering.cursor
        if not gathering.is_empty:
            self._put(gathering)
        again = Gathering(gathering.tenure, gathering.run_id, cursor, START, is_reread=True)
        while entries := self._reader.read_again(
            shard, again.cursor, cursor, max(1, self._pace.count([again.held]))
        ):
            again.add(entries, time.monotonic())
            if self._is_full(again):
                self._put(again)
        if again.cursor != START:
            _log.info("read again behind the position", shard=shard, upto=cursor)
            self._put(again)

    def _put(self, gathering: Gathering) -> None:
        """Hand over however long it takes; what is lost on the way out is read again."""
        gathering.tenure.read_again += gathering.is_reread
        while not self._stop.is_set() and self._assignment.holds(gathering.tenure):
            if self._offer(gathering):
                return
        gathering.restart()

    def _offer(self, gathering: Gathering) -> bool:
        try:
            wait_s = max(self._linger.seconds, MIN_OFFER_S)
            self.spans.put(gathering.span(), timeout=wait_s)
        except queue.Full:
            return False
        gathering.restart()
        return True

    def _read(self) -> None:
        readable = {
            shard: gathering
            for shard, gathering in self._gatherings.items()
            if not self._is_full(gathering) and not self._is_resting(shard)
        }
        is_idle = all(gathering.is_empty for gathering in self._gatherings.values())
        if not readable:
            self._stop.wait(IDLE_S if is_idle else 0)
            return
        count = self._pace.count([gathering.held for gathering in readable.values()])
        cursors = {shard: gathering.cursor for shard, gathering in readable.items()}
        found = self._timed_read(cursors, count, is_idle)
        self._behind = {shard for shard, entries in found.items() if len(entries) == count}
        given = [self._add(readable[shard], entries) for shard, entries in found.items()]
        if given:
            largest = max(len(entry.data) for entries in found.values() for entry in entries)
            self._pace.note(largest, Held(*map(max, zip(*given, strict=True))))

    def _timed_read(
        self, cursors: dict[int, str], count: int, is_idle: bool
    ) -> dict[int, list[Entry]]:
        began = time.perf_counter()
        found = self._reader.read(cursors, count, int(IDLE_S * 1000) if is_idle else 0)
        if not is_idle:
            _seconds.observe(time.perf_counter() - began)
        metrics.READ_ENTRIES.counts[()] += sum(map(len, found.values()))
        metrics.READ_BYTES.counts[()] += sum(
            len(entry.header) + len(entry.data) for entries in found.values() for entry in entries
        )
        return found

    def _add(self, gathering: Gathering, entries: list[Entry]) -> Held:
        """Add what was read; give what an entry of it gave on average."""
        before = gathering.held
        try:
            gathering.add(entries, time.monotonic())
        except TooNew as error:
            self._rest(gathering.tenure.shard, error)
        else:
            self.stopped.pop(gathering.tenure.shard, None)
        after = gathering.held
        return Held(
            (after.rows - before.rows) // len(entries),
            (after.nbytes - before.nbytes) // len(entries),
        )

    def _hand_over(self) -> None:
        """Offer what is ready, the oldest first."""
        now = time.monotonic()
        for gathering in sorted(self._filled(), key=lambda each: each.opened_at or now):
            if self._wait_s(gathering, now) <= 0 and not self._offer(gathering):
                return

    def _wait_for_more(self) -> None:
        now = time.monotonic()
        waits = [self._wait_s(gathering, now) for gathering in self._filled()]
        if waits and not self._behind:
            self._stop.wait(max(0.0, min(waits)))

    def _wait_s(self, gathering: Gathering, now: float) -> float:
        """Give how long to wait for more: not when there is enough or no room."""
        is_behind = gathering.tenure.shard in self._behind
        is_enough = gathering.chunk.rows >= self._linger.rows and not is_behind
        if is_enough or gathering.opened_at is None or self._is_full(gathering):
            return 0.0
        return gathering.opened_at + self._linger.seconds - now

    def _filled(self) -> Iterable[Gathering]:
        return [gathering for gathering in self._gatherings.values() if not gathering.is_empty]

    def _is_full(self, gathering: Gathering) -> bool:
        return self._pace.room(gathering.held) == 0

    def _is_resting(self, shard: int) -> bool:
        return self._resting.get(shard, 0.0) > time.monotonic()

    def _rest(self, shard: int, error: TooNew) -> None:
        _log.error("shard stopped: upgrade this consumer", shard=shard, error=str(error))
        self.stopped[shard] = str(error)
        self._resting[shard] = time.monotonic() + REST_S
