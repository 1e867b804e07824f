"""A consumer: its threads and the order in which they start and end.

The main thread writes, one reads ahead of it, one keeps the lease, one folds counters, one gives
memory back. Each tells its own errors and goes on; what none of them expects ends the process, so
that whoever started it sees it.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from ingest import metrics, readiness
from ingest.consumer import memory, position
from ingest.consumer.assignment import Assignment
from ingest.consumer.backoff import Backoff
from ingest.consumer.fold import Folder
from ingest.consumer.intake import Intake
from ingest.consumer.keeper import Keeper
from ingest.consumer.lease import Lease
from ingest.consumer.linger import Linger
from ingest.consumer.outage import Outage
from ingest.consumer.pace import Bounds, Pace
from ingest.consumer.private_port import PrivatePort
from ingest.consumer.source import Source
from ingest.consumer.trim import Trimmer
from ingest.consumer.writer import Writer
from ingest.errors import IngestError, NeedsPerson, SettingsError
from ingest.store import migrations, session
from ingest.store.errors import translated
from ingest.store.repeaters import Repeaters
from ingest.store.sink import Sink
from ingest.stream.read import StreamReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from ingest.consumer.gather import Span
    from ingest.consumer.private_port import Address
    from ingest.settings import Settings
    from ingest.store.ledger import Fates

# How soon a stop or a failed thread is seen when there is nothing to write.
TAKE_S = 0.1
PARTS = ("start", "read", "write", "lease", "fold")
FATES = ("stored", "duplicates", "dead")
# Of the time that a stop may take, so much is left for what comes after the transaction.
LEAVE_S = 2.0

_seconds, _ages = metrics.WRITE_SECONDS.of(), metrics.FRESHNESS_SECONDS.of()
_events, _bytes = metrics.TRANSACTION_EVENTS.of(), metrics.TRANSACTION_BYTES.of()


def _tell_ready() -> None:
    readiness.notify(readiness.READY)


class Consumer:
    """Stores what the workers append, until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        on_ready: Callable[[], None] = _tell_ready,
        address: Address | None = None,
    ) -> None:
        """`on_ready` is called once, when both servers have answered and the shards are there.

        With an address it tells its numbers there.
        """
        if settings.database_url is None or settings.valkey_url is None:
            raise SettingsError("a consumer needs database_url and valkey_url")
        self._settings = settings
        self._on_ready = on_ready
        self._address = address
        self._fault = "starting"
        self._dsn = settings.database_url
        self._valkey_url = settings.valkey_url
        self._lease = Lease(settings.lease_s)
        self._assignment = Assignment()
        self._reader = StreamReader(settings.valkey_url, name="ingest-consumer")

    def run(self, stop: threading.Event) -> None:
        """Consume until `stop` is set; then finish the transaction and give the shards back.

        Takes at most drain_timeout_s after the stop: a transaction that lasts longer is broken off,
        and its entries are read again by the next consumer.
        """
        sink = Sink(Repeaters(self._settings.repeaters_s))
        writer = Writer(self._dsn, self._lease, self._assignment, sink, stop)
        keeper = Keeper(self._dsn, self._lease, self._assignment, self._settings, stop)
        trimmer = Trimmer(self._settings.stream_keep_s)
        linger = Linger.of(self._settings)
        intake = Intake(
            self._reader,
            Source(self._reader, trimmer, self._settings.shards),
            self._assignment,
            Pace(Bounds.of(self._settings)),
            linger,
            stop,
        )
        folder = Folder(self._dsn, self._valkey_url, self._assignment, stop)
        self._show(intake)
        told = partial(self._told, writer, keeper, intake, stop)
        finished = threading.Event()
        tasks: list[Future[None]] = []
        port = nullcontext() if self._address is None else PrivatePort(self._address, told)
        with port, ThreadPoolExecutor(thread_name_prefix="consumer") as threads:
            try:
                threads.submit(self._break_off, (writer, keeper, folder), stop, finished)
                self._prepare(writer, keeper, stop)
                tasks += [threads.submit(each.run) for each in (intake, keeper, folder)]
                tasks.append(threads.submit(memory.give_back, stop))
                _write(writer, intake, linger, tasks, stop)
            finally:
                stop.set()
                wait(tasks)
                finished.set()
        for task in tasks:
            task.result()
        writer.close()
        self._reader.close()

    def _show(self, intake: Intake) -> None:
        metrics.SHARDS_OWNED.ask(lambda: {(): len(self._assignment.tenures())})
        metrics.SHARDS_STOPPED.ask(lambda: {(): len(intake.stopped)})
        metrics.SETTLED.counts.update({(fate,): 0 for fate in FATES})
        metrics.RETRIES.counts.update({(part,): 0 for part in PARTS})

    def _told(self, writer: Writer, keeper: Keeper, intake: Intake, stop: threading.Event) -> str:
        """Say why this consumer does not do its work; empty while it does."""
        stopped = [f"shard {shard}: {why}" for shard, why in sorted(intake.stopped.items())]
        faults = {
            "": "stopping" if stop.is_set() else self._fault,
            "lease not renewed: ": keeper.fault,
            "reading fails: ": intake.fault,
            "writing fails: ": writer.fault,
            "stopped until consumers are upgraded: ": "; ".join(stopped),
        }
        return "; ".join(what + why for what, why in faults.items() if why)

    def _prepare(self, writer: Writer, keeper: Keeper, stop: threading.Event) -> None:
        backoff, outage = Backoff(), Outage("not ready", "ready after all")
        while not stop.is_set():
            try:
                self._prepare_once(writer, keeper)
            except IngestError as error:
                self._fault = f"not ready: {error}"
                metrics.RETRIES.counts["start",] += 1
                pause_s = backoff.next_s(error)
                if isinstance(error, NeedsPerson):
                    readiness.notify(readiness.needs_person(error))
                outage.tell(error, pause_s)
                stop.wait(pause_s)
            else:
                self._fault = ""
                outage.end()
                self._on_ready()
                return

    def _prepare_once(self, writer: Writer, keeper: Keeper) -> None:
        shards = self._settings.shards
        with session.connect(self._dsn, "ingest consumer start") as connection, translated():
            migrations.check(connection)
            position.prepare(connection, shards)
        self._reader.agree_on_count(shards)
        connection = writer.connected()
        keeper.make_partitions(connection)
        keeper.share(connection)
        for tenure in self._assignment.tenures():
            self._reader.open(tenure.shard, tenure.committed)

    def _break_off(
        self,
        users: Iterable[Writer | Keeper | Folder],
        stop: threading.Event,
        finished: threading.Event,
    ) -> None:
        """Cut connections whose server does not answer in the time that a stop may take."""
        stop.wait()
        if not finished.wait(max(0.0, self._settings.drain_timeout_s - LEAVE_S)):
            for user in users:
                if user.connection is not None:
                    session.cut(user.connection)


def _write(
    writer: Writer,
    intake: Intake,
    linger: Linger,
    tasks: list[Future[None]],
    stop: threading.Event,
) -> None:
    while not stop.is_set() and not any(task.done() for task in tasks):
        try:
            span = intake.spans.get(timeout=TAKE_S)
        except queue.Empty:
            continue
        began = time.perf_counter()
        fates = writer.settle(span)
        seconds = time.perf_counter() - began
        linger.note(seconds)
        if fates is not None:
            _count(span, fates, seconds)


def _count(span: Span, fates: Fates, seconds: float) -> None:
    for fate in FATES:
        metrics.SETTLED.counts[fate,] += getattr(fates, fate).total()
    _seconds.observe(seconds)
    _events.observe(span.load.chunk.rows)
    _bytes.observe(span.load.chunk.nbytes)
    if not span.load.is_reread:
        now_us = time.time_ns() // 1000
        for received_us, rows in span.load.receipts():
            _ages.observe_many(max(0.0, (now_us - received_us) / 1e6), rows)
