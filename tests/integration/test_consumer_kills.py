"""A consumer killed between any two durable steps loses nothing and doubles nothing."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest
from ingest.stream.shards import stream_key

from tests.integration.consumer_child import POINTS
from tests.integration.consuming import SHARDS, Child, Worker, consuming, settings
from tests.running import until
from tests.unit.consumer.entries import batch, purchase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.valkey import EmbeddedValkey
    from ingest.settings import Settings

TAKE_OVER_S = 10.0
# Points with tests of their own.
REREAD, SHARING = "reading again", "under the lock of sharing"


@pytest.fixture
def given(dsn: str, valkey: EmbeddedValkey) -> Settings:
    return settings(dsn, valkey.consumer_url, chunk_rows=500)


@pytest.fixture
def worker(dsn: str, valkey: EmbeddedValkey) -> Iterator[Worker]:
    worker = Worker(valkey.url, dsn)
    worker.client.flushall()
    yield worker
    worker.close()


def make_shards(given: Settings) -> None:
    with consuming(given):
        pass


@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize("point", [each for each in POINTS if each not in {REREAD, SHARING}])
def test_a_kill_between_two_steps(given: Settings, worker: Worker, point: str, nth: int) -> None:
    worker.execute("ALTER TABLE event ADD CONSTRAINT no_cart CHECK (event_type <> 'purchase')")
    make_shards(given)
    worker.fill(10)
    bad = purchase()
    worker.append(0, bad)
    child = Child(given, point, nth)
    try:
        child.wait_killed(meanwhile=partial(worker.fill, 4))
    finally:
        child.end()
    with consuming(given):
        worker.append(0, batch(5))
        worker.wait_settled()
        worker.verify_empty()
    worker.verify(dead=[bad.event_ids[0]])


def test_a_kill_while_reading_again(given: Settings, worker: Worker) -> None:
    keep = given.model_copy(update={"stream_keep_s": 3600})
    with consuming(keep):
        worker.fill(10)
        worker.wait_settled()
    worker.execute("UPDATE position SET run_id = 'another server'")
    child = Child(keep, "reading again")
    try:
        child.wait_killed(meanwhile=lambda: None)
    finally:
        child.end()
    with consuming(keep):
        worker.append(0, batch(5))
        worker.wait_settled()
    worker.verify()


def test_kills_again_and_again_under_load(given: Settings, worker: Worker) -> None:
    make_shards(given)
    for round_number in range(6):
        child = Child(given)
        try:
            child.wait_ready()
            worker.fill(10 + 5 * round_number)
        finally:
            child.end()
    with consuming(given):
        worker.wait_settled()
    worker.verify()


def test_a_consumer_frozen_in_the_middle_of_copy_is_taken_over(
    given: Settings, worker: Worker
) -> None:
    worker.execute("ALTER TABLE event ADD CONSTRAINT slow CHECK (pg_sleep(0.004) IS NOT NULL)")
    make_shards(given)
    frozen = Child(given)
    try:
        frozen.wait_ready()
        for shard in range(SHARDS):
            worker.append(shard, batch(700))
        active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY event%%'"
        until(lambda: worker.query(active) != [(0,)], 10, "it copies")
        frozen.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        with consuming(given):
            owners = "SELECT count(*) FROM position WHERE owner LIKE %s"
            own = f"%:{frozen.process.pid}:%"
            until(lambda: worker.query(owners, own) == [(0,)], TAKE_OVER_S, "taken over")
            print(f"taken over after {time.monotonic() - began:.1f} s")  # noqa: T201
            worker.wait_settled()
            frozen.process.send_signal(signal.SIGCONT)
            worker.append(0, batch(3))
            worker.wait_settled()
            until(lambda: worker.query("SELECT count(*) FROM consumer") == [(2,)], 10, "it is back")
            worker.append(1, batch(3))
            worker.wait_settled()
    finally:
        frozen.end()
    worker.verify()


def test_a_consumer_frozen_while_it_shares_holds_nobody_up(given: Settings, worker: Worker) -> None:
    """It holds the lock that each consumer takes before it takes shards."""
    make_shards(given)
    frozen = Child(given, SHARING, nth=4, number=signal.SIGSTOP)
    try:
        frozen.wait_ready()
        process = psutil.Process(frozen.process.pid)
        until(lambda: process.status() == psutil.STATUS_STOPPED, 10, "it is frozen")
        worker.fill(10)
        began = time.monotonic()
        with consuming(given):
            until(lambda: worker.fates().total() >= worker.accepted, TAKE_OVER_S, "taken over")
            print(f"taken over after {time.monotonic() - began:.1f} s")  # noqa: T201
    finally:
        frozen.end()
    worker.verify()


def test_a_stop_finishes_the_transaction_and_gives_the_shards_back(
    given: Settings, worker: Worker
) -> None:
    make_shards(given)
    child = Child(given)
    try:
        child.wait_ready()
        worker.fill(60)
        began = time.monotonic()
        child.process.send_signal(signal.SIGTERM)
        assert child.process.wait(10) == 0
        print(f"stopped after {time.monotonic() - began:.2f} s")  # noqa: T201
    finally:
        child.end()
    assert worker.query("SELECT count(*) FROM position WHERE owner IS NOT NULL") == [(0,)]
    assert worker.query("SELECT count(*) FROM consumer") == [(0,)]
    with consuming(given):
        worker.wait_settled()
    worker.verify()


def test_a_stop_does_not_wait_for_a_frozen_database(given: Settings, worker: Worker) -> None:
    impatient = given.model_copy(update={"drain_timeout_s": 4})
    worker.execute("ALTER TABLE event ADD CONSTRAINT slow CHECK (pg_sleep(0.5) IS NOT NULL)")
    make_shards(given)
    child = Child(impatient)
    try:
        child.wait_ready()
        worker.append(0, batch(500))
        active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY event%%'"
        until(lambda: worker.query(active) != [(0,)], 10, "it copies")
        child.process.send_signal(signal.SIGTERM)
        assert child.process.wait(impatient.drain_timeout_s + 3) == 0
    finally:
        child.end()
    assert worker.query("SELECT count(*) FROM event") == [(0,)]
    assert worker.client.xlen(stream_key(0)) == 1
