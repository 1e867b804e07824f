"""Dead letters that are replayed are stored once, and the ledger follows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from ingest.balance import NO_PROJECT
from ingest.store import kept_letters, partitions, replay, session
from ingest.store.kept_letters import Pick
from ingest.store.load import Unreadable
from ingest.store.repeaters import Repeaters
from ingest.store.replay import Replayed
from ingest.store.sink import Sink

from tests.unit.consumer import entries
from tests.unit.store import storing
from tests.unit.store.chunks import SHARD, load
from tests.unit.store.rows import DAY, OTHER, PROJECT, TIME, row
from tests.unit.store.test_sink import CHECK, LINE, A, B, C, count, ledger

if TYPE_CHECKING:
    from ingest.store.ledger import Fates
    from ingest.store.load import Load
    from ingest.store.session import Connection

LIFT = "ALTER TABLE event DROP CONSTRAINT no_bad"
ALL = Pick()


def bury(connection: Connection, *loads: Load) -> None:
    """Store loads while the table refuses what is bad."""
    connection.execute(CHECK)
    for each in loads:
        keep(connection, each)


def keep(connection: Connection, loaded: Load) -> Fates:
    return storing.store(connection, Sink(Repeaters(60)), loaded)


def store(connection: Connection, rows: list[bytes]) -> None:
    keep(connection, load([], [rows]))


def again(connection: Connection, pick: Pick = ALL) -> Replayed:
    return sum(replay.replay(connection, pick), Replayed())


def bad(event_id: UUID | None = None, project: UUID = PROJECT) -> bytes:
    return row(event_id, project, "bad", properties={"why": "bad"})


def test_what_can_be_stored_now_moves_from_dead_to_stored(connection: Connection) -> None:
    bury(connection, load([[row(), bad(A), bad(B)]]))
    assert ledger(connection)[UUID(bytes=LINE[0]), LINE[1]] == (1, 0, 2)
    connection.execute(LIFT)
    assert again(connection) == Replayed(2, 2, 0, 0)
    assert ledger(connection) == {(PROJECT, LINE[1]): (3, 0, 0)}
    assert (count(connection), count(connection, "dead_letter")) == (3, 0)
    assert again(connection) == Replayed()


def test_what_is_stored_already_moves_to_duplicates(connection: Connection) -> None:
    bury(connection, load([[row(A), bad(A), bad(B), bad(B)]]))
    connection.execute(LIFT)
    assert again(connection) == Replayed(3, 1, 2, 0)
    assert ledger(connection) == {(PROJECT, LINE[1]): (2, 2, 0)}


def test_what_still_fails_stays_with_its_new_error(connection: Connection) -> None:
    bury(connection, load([[bad(A), bad(B)]]))
    connection.execute(LIFT)
    connection.execute(
        "ALTER TABLE event ADD CONSTRAINT other"
        f" CHECK (event_id <> '{A}' AND length(user_id) > 0) NOT VALID"
    )
    before = kept_letters.find(connection, ALL)
    assert again(connection) == Replayed(2, 1, 0, 1)
    (kept,) = kept_letters.find(connection, ALL)
    assert (kept.event_id, kept.dead_at) == (A, before[0].dead_at)
    assert "other" in kept.message
    assert "other" not in before[0].message
    assert ledger(connection) == {(PROJECT, LINE[1]): (1, 0, 1)}


@pytest.mark.parametrize(
    ("pick", "expected"),
    [
        (Pick(project_id=OTHER), {B}),
        (Pick(project_id=UUID(int=99)), set()),
        (Pick(shard=SHARD), {A, B}),
        (Pick(shard=0), set()),
        (Pick(code="23514"), {A, B}),
        (Pick(code="22001"), set()),
        (Pick(since=TIME), set()),
        (Pick(until=TIME), {A, B}),
    ],
)
def test_a_filter_picks_letters(connection: Connection, pick: Pick, expected: set[UUID]) -> None:
    bury(connection, load([[bad(A), bad(B, OTHER)]]))
    connection.execute("UPDATE dead_letter SET dead_at = %s - interval '1 day'", (TIME,))
    found = kept_letters.find(connection, pick)
    assert {letter.event_id for letter in found} == expected
    assert kept_letters.count(connection, pick) == len(expected)
    connection.execute(LIFT)
    assert again(connection, pick).stored == len(expected)
    assert {
        event_id for (event_id,) in connection.execute("SELECT event_id FROM event")
    } == expected


def test_many_letters_take_several_transactions(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(connection, load([[bad() for _ in range(30)]]))
    connection.execute(LIFT)
    small = replay.CANDIDATES.replace(str(replay.MAX_BYTES), str(4 * len(bad())))
    monkeypatch.setattr(replay, "CANDIDATES", small)
    steps = list(replay.replay(connection, ALL))
    assert [step.stored for step in steps] == [4, 4, 4, 4, 4, 4, 4, 2]


def test_replays_at_the_same_time_store_each_event_once(connection: Connection, dsn: str) -> None:
    letters = [bad() for _ in range(400)]
    bury(connection, load([letters[:200]], [letters[200:]]))
    connection.execute(LIFT)
    start = threading.Barrier(4)

    def run(_: int) -> Replayed:
        with session.connect(dsn, "test replay") as own:
            start.wait()
            return again(own)

    with ThreadPoolExecutor(4) as threads:
        total = sum(threads.map(run, range(4)), Replayed())
    total += again(connection)
    assert total == Replayed(400, 400, 0, 0)
    assert (count(connection), count(connection, "dead_letter")) == (400, 0)
    assert ledger(connection) == {(PROJECT, LINE[1]): (400, 0, 0)}


def test_replay_and_consumer_may_store_the_same_events(connection: Connection, dsn: str) -> None:
    """Either waits for the other's rows; a deadlock ends one of them, which tries again."""
    letters = [bad(UUID(int=1000 + number)) for number in range(300)]
    bury(connection, load([letters]))
    connection.execute(LIFT)
    start = threading.Barrier(2)

    def consume() -> None:
        with session.connect(dsn, "test consumer") as own:
            start.wait()
            try:
                store(own, letters[::-1])
            except psycopg.errors.DeadlockDetected:
                store(own, letters[::-1])

    with ThreadPoolExecutor(1) as threads:
        consumed = threads.submit(consume)
        start.wait()
        replayed = again(connection)
        consumed.result()
    assert replayed.stored + replayed.duplicates == 300
    stored, duplicates, dead = ledger(connection)[PROJECT, LINE[1]]
    assert (stored, duplicates, dead, count(connection)) == (300, 300, 0, 300)


def test_a_missing_partition_is_made(connection: Connection) -> None:
    bury(connection, load([[bad(A)]]))
    connection.execute(LIFT)
    connection.execute(f"DROP TABLE {partitions.name_of(DAY)}")
    assert again(connection).stored == 1


def test_an_entry_that_can_be_read_now_is_stored(connection: Connection) -> None:
    made = entries.batch(3)
    header, data = entries.entry(made)
    entry = Unreadable("3600000-0", header + data, 3, "codec: unknown")
    bury(connection, load([], unreadable=[entry]))
    assert ledger(connection) == {(UUID(bytes=NO_PROJECT), 1): (0, 0, 3)}
    assert again(connection) == Replayed(1, 3, 0, 0)
    found = ledger(connection)
    assert found.pop((UUID(bytes=NO_PROJECT), 1)) == (0, 0, 0)
    assert list(found.values()) == [(3, 0, 0)]
    rows = connection.execute("SELECT event_id FROM event")
    assert {event_id.bytes for (event_id,) in rows} == set(made.event_ids)


def test_rows_of_an_entry_that_are_refused_become_letters(connection: Connection) -> None:
    header, data = entries.entry(entries.batch(2), entries.purchase())
    connection.execute("ALTER TABLE event ADD CONSTRAINT cheap CHECK (event_type <> 'purchase')")
    bury(connection, load([], unreadable=[Unreadable("1-0", header + data, 3, "codec: unknown")]))
    assert again(connection) == Replayed(1, 2, 0, 1)
    (kept,) = kept_letters.find(connection, ALL)
    assert (kept.code, kept.entry_id, kept.rows, kept.project_id) == (
        "23514",
        "1-0",
        1,
        entries.PROJECT,
    )
    totals = connection.execute("SELECT sum(stored), sum(duplicates), sum(dead) FROM ledger")
    assert totals.fetchone() == (2, 0, 1)


def test_an_entry_that_still_cannot_be_read_stays(connection: Connection) -> None:
    header, data = entries.entry(entries.batch(3))
    broken = header + data[:-1] + bytes([data[-1] ^ 1])
    bury(connection, load([], unreadable=[Unreadable("1-0", broken, 3, "checksum: was it")]))
    assert again(connection) == Replayed(1, 0, 0, 3)
    (kept,) = kept_letters.find(connection, Pick(code="checksum"))
    assert kept.message != "checksum: was it"
    assert ledger(connection) == {(UUID(bytes=NO_PROJECT), 0): (0, 0, 3)}


def test_what_was_dropped_stays_counted_and_is_not_counted_again(connection: Connection) -> None:
    broken = Unreadable("9-0", b"x", 2, "codec: unknown")
    loads = [[bad(A), bad(B)]], [[bad(C)]]
    bury(connection, load(*loads, unreadable=[broken]))
    before = ledger(connection)
    assert kept_letters.drop(connection, Pick(code="23514")) == 3
    assert kept_letters.drop(connection, ALL) == 1
    fates = keep(connection, load(*loads, unreadable=[broken], is_reread=True))
    assert fates.dead.total() == 0
    assert ledger(connection) == before
    assert count(connection, "dead_letter") == 0


def test_a_replayed_event_that_is_read_again_is_not_counted_again(connection: Connection) -> None:
    loads = [[bad(A), row(B)]]
    bury(connection, load(loads))
    connection.execute(LIFT)
    again(connection)
    before = ledger(connection)
    keep(connection, load(loads, is_reread=True))
    assert (ledger(connection), count(connection)) == (before, 2)
