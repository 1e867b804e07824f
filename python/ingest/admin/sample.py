"""Everything that admin knows at one moment, and the thread that finds it out.

While somebody looks it is found out once a second, otherwise every five: enough for the curves of a
page that is opened later.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ingest import log, readout, roster
from ingest.admin.processes import Processes
from ingest.admin.unsettled import Unsettled
from ingest.admin.usage import Usage, Use
from ingest.errors import IngestError
from ingest.store.look import StoreWatch
from ingest.stream.look import StreamWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ingest.readout import Readout
    from ingest.roster import Member
    from ingest.settings import Settings
    from ingest.store.look import StoreLook
    from ingest.stream.look import StreamLook

T = TypeVar("T")
WATCHED_S, IDLE_S = 1.0, 5.0
# After somebody asked, so long counts as looking.
LOOKING_S = 10.0
# Longer than the patience with a silent process.
FRESH_TIMEOUT_S = 6.0
OWN = "admin"
SUPERVISOR, VALKEY = "supervisor", "valkey"


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment: `clock` is monotonic, `at` unix time. What could not be asked says why.

    A process of the settings' lists that did not answer has None in `readouts`. `restarts` counts
    the starts that admin saw of each, `unsettled` the events that are accepted and not committed.
    """

    at: float
    clock: float
    readouts: Mapping[str, Readout | None]
    silent: Mapping[str, str]
    urls: Mapping[str, str]
    restarts: Mapping[str, int]
    members: Sequence[Member]
    uses: Mapping[str, Use]
    store: StoreLook | None
    store_fault: str
    stream: StreamLook | None
    stream_fault: str
    unsettled: int | None


class Sampler(threading.Thread):
    """Takes samples until it is stopped; `heard` is told each, in this thread."""

    def __init__(
        self, settings: Settings, heard: Callable[[Sample], None], is_watched: Callable[[], bool]
    ) -> None:
        super().__init__(name="sampler", daemon=True)
        self._settings = settings
        self._heard = heard
        self._is_watched = is_watched
        self._processes = Processes(settings)
        self._store = StoreWatch(settings.database_url or "")
        self._stream = StreamWatch(settings.valkey_url or "")
        self._unsettled = Unsettled(self._store, self._stream)
        self._usage = Usage()
        # Those that PostgreSQL told last: they stand still while it is away.
        self._positions: Mapping[int, str] = {}
        self._starts: dict[str, tuple[object, int]] = {}
        self._last: Sample | None = None
        self._taken = threading.Condition()
        self._wanted = threading.Event()
        self._asked_at = float("-inf")
        self._is_stopped = False

    def run(self) -> None:
        """Take one sample after the other."""
        while not self._is_stopped:
            began = time.monotonic()
            try:
                self._take()
            except Exception:  # noqa: BLE001 - the outermost loop: the next sample may succeed
                log.get(__name__).exception("no sample")
            self._wanted.wait(max(0.0, began + self._step_s - time.monotonic()))
            self._wanted.clear()
        self._store.close()
        self._stream.close()

    def stop(self) -> None:
        """End the thread with its present sample."""
        self._is_stopped = True
        self._wanted.set()

    def look(self) -> None:
        """Note that somebody looks."""
        was_idle = self._step_s > WATCHED_S
        self._asked_at = time.monotonic()
        if was_idle:
            self._wanted.set()

    def fresh(self, max_age_s: float = 0) -> Sample | None:
        """Give a sample that was begun at most so long ago; blocks. None before the first.

        An older one is given when there is none in time.
        """
        asked_at = time.monotonic()
        oldest, deadline = asked_at - max_age_s, asked_at + FRESH_TIMEOUT_S
        with self._taken:
            while not self._is_after(oldest):
                self._wanted.set()
                if not self._taken.wait(deadline - time.monotonic()):
                    break
            return self._last

    def _is_after(self, clock: float) -> bool:
        return self._last is not None and self._last.clock >= clock

    @property
    def _step_s(self) -> float:
        is_looking = time.monotonic() - self._asked_at < LOOKING_S
        return WATCHED_S if is_looking or self._is_watched() else IDLE_S

    def _take(self) -> None:
        sample = self._sample()
        with self._taken:
            self._last = sample
            self._taken.notify_all()
        self._heard(sample)

    def _sample(self) -> Sample:
        clock, at = time.monotonic(), time.time()
        told = self._processes.readouts()
        readouts = {name: one if not isinstance(one, str) else None for name, one in told.items()}
        members = roster.read(self._settings.data_dir)
        store, store_fault = _tried(self._store.look)
        if store is not None:
            self._positions = store.positions
        stream, stream_fault = _tried(lambda: self._stream.look(self._positions))
        sample = Sample(
            at=at,
            clock=clock,
            readouts={OWN: readout.own(), **readouts},
            silent={name: one for name, one in told.items() if isinstance(one, str)},
            urls=self._processes.urls,
            restarts={name: self._count(name, one) for name, one in readouts.items()},
            members=members,
            uses=self._uses(members, stream, at),
            store=store,
            store_fault=store_fault,
            stream=stream,
            stream_fault=stream_fault,
            unsettled=None,
        )
        return replace(sample, unsettled=self._unsettled.count(sample))

    def _uses(
        self, members: Sequence[Member], stream: StreamLook | None, at: float
    ) -> dict[str, Use]:
        """Measure what runs here; of a Valkey elsewhere it is known what itself tells."""
        found = {
            member.name: self._usage.of(member.pid, alone=member.name == SUPERVISOR)
            for member in members
            if member.pid is not None
        }
        known = {name: use for name, use in found.items() if use is not None}
        if stream is not None and VALKEY not in known:
            use = stream.use
            known[VALKEY] = Use(use.pid, at - use.uptime_s, use.cpu_s, use.memory_bytes)
        return known

    def _count(self, name: str, one: Readout | None) -> int:
        """Count the starts of a process after the first that was seen."""
        start, count = self._starts.get(name, (None, -1))
        if one is not None and (one.pid, one.started) != start:
            start, count = (one.pid, one.started), count + 1
            self._starts[name] = start, count
        return max(0, count)


def _tried(ask: Callable[[], T]) -> tuple[T | None, str]:
    try:
        return ask(), ""
    except IngestError as error:
        return None, str(error)
