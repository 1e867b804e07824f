"""Reads both sides of the ledger so that they can be compared exactly, while everything runs.

Of each shard, one after the other:

1. Hold it: from now on its consumer trims nothing. What it trimmed before lay behind a position
   that was committed before.
2. Read position, ledger and last fold in one snapshot of PostgreSQL. Each entry up to that position
   is in that ledger, and no other is; each entry behind it is in the stream and stays there.
3. Read the counters and the stream's last id in one step of Valkey. An append counts in the same
   step as it adds its entry, so the counters hold the entries up to that id, and no other.
4. Count what the entries between position and last id hold: they don't change, and are all there.
5. See that the hold lasted and that no fold came in between; begin again otherwise.

So accepted (3) = ledger (2) + entries (4), to the event, whatever is appended, stored, replayed or
folded meanwhile.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ingest.balance import NO_PROJECT, Balance, Line
from ingest.plural import counted
from ingest.store import audit, session
from ingest.store.audit import Counts
from ingest.store.dead_letters import entry_line
from ingest.stream.accepted import AcceptedCounters, lines
from ingest.stream.waiting import Hold, Lapsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingest.store.audit import Books
    from ingest.store.copy import Line as Key
    from ingest.store.session import Connection
    from ingest.stream.accepted import Counters
    from ingest.stream.waiting import Waiting

NAME = "ingest-audit"
ATTEMPTS = 20
PAUSE_S = 0.1
NOTHING = Counts(0, 0, 0, 0)
# Hours that PostgreSQL's timestamps and unix time have in common: 1970 to 9999.
ALL_HOURS = range(70_389_526)


class Window(NamedTuple):
    """What is asked for; a project of None is all of them."""

    hours: range = ALL_HOURS
    project_id: bytes | None = None

    @property
    def is_partial(self) -> bool:
        """Whether some lines are left out."""
        return self.hours != ALL_HOURS or self.project_id is not None

    def has(self, key: Key) -> bool:
        """Say whether it asks for a line; the events of unreadable entries may be anybody's."""
        project, hour = key
        is_wanted = self.project_id is None or project in {self.project_id, NO_PROJECT}
        return is_wanted and hour in self.hours


class _Servers(NamedTuple):
    connection: Connection
    counters: AcceptedCounters
    valkey_url: str


class Progress(Protocol):
    """Hears how far a reading is, for whoever waits for it."""

    def __call__(self, done: int, told: str, total: int) -> None:
        """Take the shards that are done, of how many, and what is read of the next."""


def unheard(done: int, told: str, total: int) -> None:
    """Tell nobody."""
    del done, told, total


def balances(
    dsn: str, valkey_url: str, window: Window, progress: Progress = unheard
) -> Iterator[Balance]:
    """Read each shard when it is asked for. Raises Retryable or NeedsPerson."""
    with (
        session.connect(dsn, NAME) as connection,
        AcceptedCounters(valkey_url, NAME) as counters,
    ):
        servers = _Servers(connection, counters, valkey_url)
        numbers = audit.shards(connection)
        for done, shard in enumerate(numbers):

            def tell(events: int, done: int = done, shard: int = shard) -> None:
                progress(
                    done, f"shard {shard}: {counted(events, 'event')} in the stream", len(numbers)
                )

            tell(0)
            yield _steady(partial(_read, servers, shard, window, tell))


def _steady(read: Callable[[], Balance]) -> Balance:
    """Read until nothing came in between; a fault that stays is part of the answer."""
    for _ in range(ATTEMPTS):
        with suppress(Lapsed):
            balance = read()
            if not balance.fault:
                return balance
        time.sleep(PAUSE_S)
    return read()


def _read(servers: _Servers, shard: int, window: Window, tell: Callable[[int], None]) -> Balance:
    with Hold(servers.valkey_url, shard, NAME) as hold:
        books = audit.read(servers.connection, shard, window.hours.start, window.hours.stop)
        told = servers.counters.read(shard)
        waiting = hold.waiting(books.position, told.last_id, tell)
        hold.check()
    return Balance(
        shard,
        books.position,
        told.last_id,
        tuple(_lines(books, _unfolded(books, told), _by_line(waiting), window)),
        told.state.since_ms,
        window.is_partial,
        _fault(books, told),
    )


def _lines(
    books: Books, unfolded: Counter[Key], waiting: Counter[Key], window: Window
) -> Iterator[Line]:
    for key in sorted({*books.lines, *unfolded, *waiting}):
        counts = books.lines.get(key, NOTHING)
        line = Line(
            *key,
            accepted=counts.accepted + unfolded[key],
            stored=counts.stored,
            in_stream=waiting[key],
            duplicates=counts.duplicates,
            dead=counts.dead,
        )
        if window.has(key) and (line.accepted or line.accounted):
            yield line


def _unfolded(books: Books, told: Counters) -> Counter[Key]:
    """Give the counters without those that were folded and not yet taken from them."""
    unfolded = Counter(told.rows)
    is_same = told.state.data_set == books.fold.data_set
    if is_same and told.state.folded == books.fold.number - 1:
        unfolded.subtract(lines(books.fold.rows))
    return unfolded


def _by_line(waiting: Waiting) -> Counter[Key]:
    rows = Counter(waiting.rows)
    for entry in waiting.unreadable:
        rows[entry_line(entry.entry_id)] += entry.rows
    return rows


def _fault(books: Books, told: Counters) -> str:
    """Say why the readings are of different times: a fold came between, or one was restored."""
    is_same = told.state.data_set == books.fold.data_set
    folded = books.fold.number if is_same else 0
    if told.state.folded > folded:
        return "the ledger is older than Valkey's counters: was PostgreSQL restored?"
    if told.state.folded < folded - 1:
        return "Valkey's counters are older than the ledger: was Valkey restored?"
    return ""
