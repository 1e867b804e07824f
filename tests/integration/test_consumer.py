"""A consumer between real servers: stored once, counted exactly, whatever is in the stream."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import psycopg
import pytest
from ingest.consumer.writer import Writer
from ingest.errors import Retryable
from ingest.store import partitions
from ingest.stream.shards import stream_key

from tests.integration.consuming import SHARDS, Worker, consuming, settings, uuid_of
from tests.running import until
from tests.unit.consumer import entries
from tests.unit.consumer.entries import OTHER, batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.consumer.gather import Span
    from ingest.local.valkey import EmbeddedValkey
    from ingest.settings import Settings
    from ingest.store.ledger import Fates
    from psycopg.rows import TupleRow


@pytest.fixture
def given(dsn: str, valkey: EmbeddedValkey) -> Settings:
    return settings(dsn, valkey.consumer_url)


@pytest.fixture
def worker(dsn: str, valkey: EmbeddedValkey) -> Iterator[Worker]:
    worker = Worker(valkey.url, dsn)
    worker.client.flushall()
    yield worker
    worker.close()


def test_what_is_appended_is_stored_once_and_leaves_the_stream(
    given: Settings, worker: Worker
) -> None:
    with consuming(given):
        worker.fill(60)
        worker.wait_settled()
        worker.verify_empty()
    worker.verify()
    assert worker.fates()["duplicates"] == 6 * 50


def test_a_backlog_is_drained_and_the_positions_stand_at_its_end(
    given: Settings, worker: Worker
) -> None:
    with consuming(given):
        pass
    last = [worker.append(shard, batch(700), batch(300))[0] for shard in range(SHARDS)]
    last = [worker.append(shard, batch(1000, key=f"k{shard}"))[0] for shard in range(SHARDS)]
    with consuming(given):
        worker.wait_settled()
    worker.verify()
    assert worker.query("SELECT entry_id, owner FROM position ORDER BY shard") == [
        (entry_id, None) for entry_id in last
    ]
    assert worker.query("SELECT count(*) FROM consumer") == [(0,)]


def test_a_lone_event_is_stored_soon(given: Settings, worker: Worker) -> None:
    waits = []
    with consuming(given), psycopg.connect(given.database_url or "", autocommit=True) as client:
        for number in range(15):
            lone = batch()
            began = time.monotonic()
            worker.append(number % SHARDS, lone)
            until(partial(is_stored, client, lone.event_ids[0]), 5, "stored")
            waits.append(time.monotonic() - began)
    print(f"freshness: median {statistics.median(waits) * 1000:.0f} ms of {len(waits)}")  # noqa: T201
    assert statistics.median(waits) < 0.05


def is_stored(client: psycopg.Connection[TupleRow], event_id: bytes) -> bool:
    query = "SELECT FROM event WHERE event_id = %s"
    return client.execute(query, (uuid_of(event_id),)).fetchone() is not None


def test_the_same_request_in_many_entries_is_stored_once(given: Settings, worker: Worker) -> None:
    with consuming(given):
        for shard in range(SHARDS):
            worker.append(shard, batch(100, key="same"), times=3)
        worker.wait_settled()
    worker.verify()
    assert worker.fates()["stored"] == 100


def test_a_resent_entry_of_made_ids_is_stored_once(given: Settings, worker: Worker) -> None:
    with consuming(given):
        worker.append(0, batch(500), batch(500, project=OTHER), times=2)
        worker.append(0, batch(10))
        worker.wait_settled()
    worker.verify()
    assert worker.fates()["duplicates"] == 1000


def test_poison_goes_alone_to_dead_letters(given: Settings, worker: Worker) -> None:
    worker.execute("ALTER TABLE event ADD CONSTRAINT no_cart CHECK (event_type <> 'purchase')")
    with consuming(given):
        bad = [entries.purchase() for _ in range(5)]
        for each in bad:
            worker.append(0, batch(50), each, batch(50))
        worker.append(0, batch(20, key="k"), times=2)
        worker.wait_settled()
    worker.verify(dead=[each.event_ids[0] for each in bad])
    letters = worker.query("SELECT event_id, sqlstate, event->>'event_type' FROM dead_letter")
    assert sorted(map(str, letters)) == sorted(
        str((uuid_of(each.event_ids[0]), "23514", "purchase")) for each in bad
    )


@pytest.mark.parametrize("at", [0, 4, -1])
def test_a_broken_entry_goes_to_dead_letters_whole(
    given: Settings, worker: Worker, at: int
) -> None:
    """A version that is damaged is not taken for a later one."""
    with consuming(given):
        worker.append(0, batch(3))
        packed = entries.entry(batch(7))
        broken = bytearray(b"".join(packed))
        broken[at] ^= 3
        header, data = bytes(broken[: len(packed[0])]), bytes(broken[len(packed[0]) :])
        words = ("XADD", stream_key(0), "*", "h", header, "d", data)
        entry_id = worker.client.execute_command(*words).decode()  # type: ignore[no-untyped-call]
        worker.append(0, batch(3))
        until(lambda: worker.fates().total() == 13, 10, "all settled")
    assert worker.fates() == {"stored": 6, "duplicates": 0, "dead": 7}
    assert worker.query("SELECT entry_id, tuple FROM dead_letter") == [(entry_id, header + data)]


@pytest.mark.parametrize("at", [4, 44])
def test_an_entry_that_is_too_new_stops_its_shard_alone(
    given: Settings, worker: Worker, at: int
) -> None:
    with consuming(given):
        first = worker.append(0, batch(2))[0]
        header, data = entries.entry(batch(5))
        newer = entries.altered(header, data, at, 9)
        words = ("XADD", stream_key(0), "*", "h", newer, "d", data)
        entry_id = worker.client.execute_command(*words).decode()  # type: ignore[no-untyped-call]
        worker.append(0, batch(2))
        worker.append(1, batch(2))
        until(lambda: worker.fates()["stored"] == 4, 10, "the others are stored")
        where = "SELECT entry_id FROM position WHERE shard = 0"
        assert worker.query(where) == [(first,)]
        until(lambda: worker.client.xlen(stream_key(0)) == 2, 5, "only what is stored is trimmed")
        worker.client.xdel(stream_key(0), entry_id)
        worker.wait_settled()
    worker.verify()


def test_a_dropped_partition_is_made_again(given: Settings, worker: Worker) -> None:
    with consuming(given):
        worker.append(0, batch())
        worker.wait_settled()
        today = worker.query("SELECT extract(epoch FROM now())::int / 86400")[0][0]
        worker.execute(f"DROP TABLE {partitions.name_of(int(str(today)) - 1)}")
        worker.append(0, batch(5, days_ago=1))
        worker.append(1, batch(5, days_ago=20))
        worker.wait_settled()
    worker.verify()


def test_two_consumers_share_and_take_over(given: Settings, worker: Worker) -> None:
    owners = "SELECT count(DISTINCT owner) FROM position WHERE owner IS NOT NULL"
    with ExitStack() as first:
        first.enter_context(consuming(given))
        with consuming(given):
            until(lambda: worker.query(owners) == [(2,)], 10, "one shard each")
            worker.fill(30)
            worker.wait_settled()
            first.close()
            until(lambda: worker.query(owners) == [(1,)], 10, "one takes all")
            worker.fill(30)
            worker.wait_settled()
    worker.verify()


def test_an_owner_that_changes_under_load_doubles_nothing(given: Settings, worker: Worker) -> None:
    with consuming(given), consuming(given):
        for number in range(20):
            worker.execute(
                "UPDATE position SET owner ="
                " (SELECT owner FROM consumer ORDER BY random() LIMIT 1)"
                " WHERE shard = %s",
                number % SHARDS,
            )
            worker.fill(3)
        worker.wait_settled()
    worker.verify()


def test_a_commit_whose_answer_was_lost_is_not_done_again(
    given: Settings, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = Writer._write, count()

    def write_and_lose_the_answer(self: Writer, span: Span) -> Fates | None:
        fates = write(self, span)
        if next(calls) % 3 == 0:
            raise Retryable("the answer was lost")
        return fates

    monkeypatch.setattr(Writer, "_write", write_and_lose_the_answer)
    with consuming(given):
        for _ in range(10):
            worker.fill(4)
            worker.wait_settled()
    worker.verify()


def test_partitions_past_their_time_are_dropped(given: Settings, worker: Worker) -> None:
    old = "SELECT count(*) FROM pg_class WHERE relname = 'event_20200101'"
    worker.execute(
        "CREATE TABLE event_20200101 (LIKE event INCLUDING ALL);"
        "ALTER TABLE event ATTACH PARTITION event_20200101"
        " FOR VALUES FROM ('2020-01-01+00') TO ('2020-01-02+00')"
    )
    with consuming(given):
        worker.append(0, batch())
        worker.wait_settled()
        time.sleep(1)  # more than a beat: nothing is dropped unless it is asked for
        assert worker.query(old) == [(1,)]
    with consuming(given.model_copy(update={"retention_days": 30})):
        until(lambda: worker.query(old) == [(0,)], 10, "dropped")
        worker.append(0, batch())
        worker.wait_settled()
    worker.verify()


def test_a_position_that_was_moved_by_hand_is_followed(given: Settings, worker: Worker) -> None:
    with consuming(given.model_copy(update={"stream_keep_s": 3600})):
        worker.fill(20)
        worker.wait_settled()
        before = worker.fates()
        worker.execute("UPDATE position SET entry_id = '0-0'")
        worker.append(0, batch(5))
        worker.append(1, batch(5))
        until(lambda: worker.fates()["stored"] == before["stored"] + 10, 20, "read again")
    stored = worker.query("SELECT count(*), count(DISTINCT event_id) FROM event")
    assert stored == [(len(worker.ids), len(worker.ids))]


def test_a_lost_shard_is_made_again_behind_the_position(given: Settings, worker: Worker) -> None:
    with consuming(given):
        worker.fill(10)
        worker.wait_settled()
        ahead = f"{int(time.time() * 1000) + 3_600_000}-0"
        worker.client.execute_command("XADD", stream_key(0), ahead, "h", *junk())  # type: ignore[no-untyped-call]
        until(lambda: worker.fates()["dead"] == 1, 10, "the entry is settled")
        worker.client.delete(stream_key(0))
        until(lambda: worker.client.exists(stream_key(0)) == 1, 10, "the stream is there")
        assert worker.append(0, batch(5))[0] > ahead
        until(lambda: worker.fates()["stored"] == len(worker.ids), 10, "stored")


def junk() -> tuple[bytes, bytes, bytes]:
    """Give an entry's value whose header claims one row, with the name and value of its data."""
    header, data = entries.entry(batch(1))
    return header, b"d", data + b"?"


def test_an_idle_consumer_writes_almost_nothing(given: Settings, worker: Worker) -> None:
    with consuming(given):
        worker.append(0, batch())
        worker.wait_settled()
        worker.verify_empty()
        commands = "total_commands_processed"
        before = worker.client.info("stats")[commands]
        time.sleep(2)
        assert worker.client.info("stats")[commands] - before < 2 * 30
