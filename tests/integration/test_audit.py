"""The audit between real servers: exact at any instant, and it finds what was planted."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from ingest.admin.audit import Window, balances
from ingest.balance import NO_PROJECT, Balance, Verdict
from ingest.consumer.fold import fold_shard
from ingest.store import audit as books
from ingest.store import fold, kept_letters, replay, session
from ingest.store.fold import Fold
from ingest.store.kept_letters import Pick
from ingest.stream.accepted import AcceptedCounters, lines
from ingest.stream.shards import accepted_key, counted_key, stream_key

from tests.integration.consuming import SHARDS, Worker, consuming, settings
from tests.running import until
from tests.unit.consumer import entries
from tests.unit.consumer.entries import OTHER, batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from ingest.local.valkey import EmbeddedValkey
    from ingest.settings import Settings

    Ask: TypeAlias = Callable[..., list[Balance]]

EVERYTHING = Window()
CHECK = "ALTER TABLE event ADD CONSTRAINT cheap CHECK (event_type <> 'purchase')"
LIFT = "ALTER TABLE event DROP CONSTRAINT cheap"
HOUR_S = 3600
LOAD_S = 6.0


@pytest.fixture
def given(dsn: str, valkey: EmbeddedValkey) -> Settings:
    return settings(dsn, valkey.consumer_url)


@pytest.fixture
def worker(dsn: str, valkey: EmbeddedValkey) -> Iterator[Worker]:
    worker = Worker(valkey.url, dsn)
    worker.client.flushall()
    yield worker
    worker.close()


@pytest.fixture
def ask(dsn: str, valkey: EmbeddedValkey, worker: Worker) -> Ask:
    del worker

    def ask(window: Window = EVERYTHING) -> list[Balance]:
        return list(balances(dsn, valkey.url, window))

    return ask


def total(found: list[Balance], name: str) -> int:
    return sum(getattr(line, name) for balance in found for line in balance.lines)


def verdicts(found: list[Balance]) -> set[Verdict]:
    return {balance.verdict for balance in found}


def now_hour() -> int:
    return int(time.time()) // HOUR_S


@contextmanager
def repeated(act: Callable[[], object]) -> Iterator[list[int]]:
    """Do something again and again on a thread; gives how often, in a list of one."""
    stop, times = threading.Event(), [0]

    def run() -> None:
        while not stop.is_set():
            act()
            times[0] += 1

    with ThreadPoolExecutor(1) as threads:
        task = threads.submit(run)
        try:
            yield times
        finally:
            stop.set()
            task.result()


def fold_all(dsn: str, url: str) -> int:
    """Fold every counter, those of this hour too."""
    with session.connect(dsn, "test") as connection, AcceptedCounters(url, "test") as counters:
        folded = [
            fold_shard(connection, counters, shard, now_hour() + 2) for shard in range(SHARDS)
        ]
    return sum(folded)


def test_what_waits_and_what_is_stored_add_up(given: Settings, worker: Worker, ask: Ask) -> None:
    with consuming(given):
        worker.fill(30)
        worker.wait_settled()
    worker.fill(12)
    found = ask()
    assert verdicts(found) == {Verdict.EXACT}
    assert total(found, "accepted") == worker.accepted
    assert total(found, "in_stream") == 12 * 50 + 2 * 50
    assert total(found, "missing") == 0


def test_it_is_exact_while_everything_runs(
    given: Settings, worker: Worker, ask: Ask, dsn: str, valkey: EmbeddedValkey
) -> None:
    """Appends, duplicates, poison, replays and folds go on; each reading must come out."""
    worker.execute(CHECK)
    letters = session.connect(dsn, "test replay")
    numbers = iter(range(10**9))

    def append() -> None:
        number = next(numbers)
        worker.append(number % SHARDS, batch(40, key=f"key {number // 4}"), times=1 + number % 2)
        worker.append(number % SHARDS, batch(30), entries.purchase(), batch(5, project=OTHER))

    def replay_all() -> None:
        worker.execute(LIFT)
        sum(replay.replay(letters, Pick()), replay.Replayed())
        worker.execute(CHECK + " NOT VALID")
        time.sleep(0.2)

    with (
        consuming(given),
        repeated(append) as appended,
        repeated(replay_all) as replayed,
        repeated(lambda: fold_all(dsn, valkey.url)) as folded,
        repeated(lambda: fold_all(dsn, valkey.url)),
    ):
        end = time.monotonic() + LOAD_S
        readings = []
        while time.monotonic() < end:
            readings.append(ask())
    worker.append(0, batch())
    readings.append(ask())
    letters.close()
    assert [found for found in readings if verdicts(found) != {Verdict.EXACT}] == []
    assert min(appended[0], replayed[0], folded[0], len(readings)) >= 3
    assert total(readings[-1], "accepted") == worker.accepted
    assert total(readings[-1], "duplicates") > 0
    assert len({total(found, "accepted") for found in readings}) > 3


def test_without_the_hold_entries_would_be_missed(
    given: Settings, worker: Worker, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The consumer stores and trims right after the position was read."""
    with consuming(given):
        worker.append(0, batch(10))
        worker.wait_settled()
    worker.append(0, batch(20))
    read = books.read

    def read_and_wait(*arguments: object) -> object:
        found = read(*arguments)  # type: ignore[arg-type]
        with consuming(given):
            worker.wait_settled()
            time.sleep(0.6)  # three times the pause between two trims
        return found

    monkeypatch.setattr(books, "read", read_and_wait)
    assert verdicts(ask()) == {Verdict.EXACT}
    worker.append(0, batch(20))
    monkeypatch.setattr("ingest.stream.read.hold_key", lambda shard: f"ingest:{{{shard}}}:none")
    found = ask()
    assert (verdicts(found), total(found, "missing")) == ({Verdict.EXACT, Verdict.WRONG}, 20)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ("DELETE FROM ledger WHERE stored > 0 AND shard = 0", 10),
        ("UPDATE ledger SET stored = stored + 1 WHERE shard = 0", -1),
        ("UPDATE ledger SET dead = dead - 1 WHERE shard = 0", 1),
        ("INSERT INTO ledger VALUES (1, gen_random_uuid(), now(), 3, 0, 0)", -3),
        ("UPDATE position SET entry_id = '0-0' WHERE shard = 0", 0),
    ],
)
def test_what_was_planted_is_found(
    given: Settings, worker: Worker, ask: Ask, change: str, missing: int
) -> None:
    with consuming(given):
        worker.append(0, batch(10))
        worker.append(1, batch(5))
        worker.wait_settled()
        worker.verify_empty()
    assert verdicts(ask()) == {Verdict.EXACT}
    worker.execute(change)
    found = ask()
    assert total(found, "missing") == missing
    assert (Verdict.WRONG in verdicts(found)) == (missing != 0)


def test_lost_entries_are_found(given: Settings, worker: Worker, ask: Ask) -> None:
    with consuming(given):
        pass
    worker.append(0, batch(10))
    (entry_id,) = worker.append(0, batch(3))
    worker.append(0, batch(10))
    worker.client.xdel(stream_key(0), entry_id)
    found = ask()
    assert (found[0].verdict, found[0].missing) == (Verdict.WRONG, 3)


def test_a_project_and_hours_can_be_picked(given: Settings, worker: Worker, ask: Ask) -> None:
    with consuming(given):
        worker.append(0, batch(10), batch(4, project=OTHER))
        worker.wait_settled()
    hour = now_hour()
    assert total(ask(Window(project_id=OTHER.bytes)), "accepted") == 4
    assert total(ask(Window(range(hour - 1, hour + 1))), "accepted") == 14
    assert total(ask(Window(range(hour - 9, hour - 1))), "accepted") == 0


def test_unreadable_entries_are_told_and_explain_what_is_missing(
    given: Settings, worker: Worker, ask: Ask, dsn: str
) -> None:
    with consuming(given):
        pass
    header, data = entries.entry(batch(7))
    made = batch(7)
    (entry_id,) = worker.append(0, made)
    worker.client.xdel(stream_key(0), entry_id)
    worker.client.xadd(stream_key(0), {"h": header, "d": data + b"x"})
    waiting = ask()[0]
    with consuming(given):
        worker.wait_settled()
    dead = ask()[0]
    for found in (waiting, dead):
        assert (found.verdict, found.missing, found.unreadable) == (Verdict.EXACT, 7, 7)
    assert [line.dead for line in dead.lines if line.project_id == NO_PROJECT] == [7]
    with session.connect(dsn, "test") as connection:
        kept_letters.drop(connection, Pick())
    assert ask()[0].verdict is Verdict.EXACT


def test_a_fold_that_was_broken_off_changes_nothing(
    given: Settings, worker: Worker, ask: Ask, dsn: str, valkey: EmbeddedValkey
) -> None:
    with consuming(given):
        worker.fill(10)
        worker.wait_settled()
    with session.connect(dsn, "test") as connection, AcceptedCounters(valkey.url, "t") as counters:
        (closed,) = counters.closed(0, now_hour() + 2)
        half = Fold(closed.data_set, 1, closed.rows)
        assert fold.record(connection, 0, half, None, lines(closed.rows))
        assert not fold.record(connection, 0, half, None, lines(closed.rows))
        assert verdicts(ask()) == {Verdict.EXACT}
        worker.append(0, batch(2))
        assert verdicts(ask()) == {Verdict.EXACT}
        assert fold_shard(connection, counters, 0, now_hour() + 2) == 1
        assert fold_shard(connection, counters, 0, now_hour() + 2) == 0
    assert worker.client.hgetall(accepted_key(0)) == {}
    found = ask()
    assert (verdicts(found), total(found, "accepted")) == ({Verdict.EXACT}, worker.accepted)


def test_counters_of_a_replaced_server_are_told_as_lost(
    given: Settings, worker: Worker, ask: Ask, dsn: str, valkey: EmbeddedValkey
) -> None:
    with consuming(given):
        worker.append(0, batch(10))
        worker.append(1, batch(10))
        worker.wait_settled()
        with session.connect(dsn, "t") as connection, AcceptedCounters(valkey.url, "t") as counters:
            fold_shard(connection, counters, 0, now_hour() + 2)
        worker.client.flushall()
        until(lambda: worker.client.exists(*map(stream_key, range(SHARDS))) == SHARDS, 20, "shards")
        worker.append(0, batch(3))
        worker.append(1, batch(3))
        worker.wait_settled()
    folded, lost = ask()
    assert (folded.verdict, lost.verdict) == (Verdict.EXACT, Verdict.UNWITNESSED)
    assert (lost.unwitnessed, lost.unaccepted) == (10, 0)
    assert lost.since_ms is not None
    later = ask(Window(range(now_hour() + 1, now_hour() + 9)))
    assert verdicts(later) == {Verdict.EXACT}


def test_counters_of_an_older_state_are_told_and_folding_goes_on(
    given: Settings, worker: Worker, ask: Ask, dsn: str, valkey: EmbeddedValkey
) -> None:
    with consuming(given):
        worker.append(0, batch(10))
        worker.wait_settled()
    fold_all(dsn, valkey.url)
    worker.append(0, batch(2))
    fold_all(dsn, valkey.url)
    state = worker.client.hgetall(counted_key(0))
    for folded, words in (("0", "was Valkey restored?"), ("9", "was PostgreSQL restored?")):
        worker.client.hset(counted_key(0), "folded", folded)
        assert words in ask()[0].fault
        assert ask()[0].verdict is Verdict.WRONG
        fold_all(dsn, valkey.url)
        assert ask()[0].fault == ""
        assert worker.client.hget(counted_key(0), "data_set") != state[b"data_set"]
        worker.append(0, batch(1))
        fold_all(dsn, valkey.url)
        worker.append(0, batch(1))
        fold_all(dsn, valkey.url)
        assert ask()[0].fault == ""
    assert total(ask(), "accepted") == worker.accepted
