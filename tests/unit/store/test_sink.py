"""A load is stored with its counts: stored + duplicates + dead is what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from ingest.balance import NO_PROJECT
from ingest.store import copy, lookup
from ingest.store.errors import RowRefused
from ingest.store.load import Unreadable
from ingest.store.repeaters import Repeaters
from ingest.store.sink import Sink
from psycopg import sql

from tests.unit.store.chunks import SHARD, load
from tests.unit.store.rows import HOUR, OTHER, PROJECT, row
from tests.unit.store.storing import store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest._native import Keys
    from ingest.store.session import Connection

A, B, C = (UUID(int=number) for number in (10, 11, 12))
LINE = (PROJECT.bytes, HOUR)
CHECK = "ALTER TABLE event ADD CONSTRAINT no_bad CHECK (event_type <> 'bad')"


@pytest.fixture
def sink() -> Sink:
    return Sink(Repeaters(60))


def ledger(connection: Connection) -> dict[tuple[UUID, int], tuple[int, int, int]]:
    rows = connection.execute(
        "SELECT project_id, extract(epoch FROM hour)::bigint / 3600, stored, duplicates, dead"
        " FROM ledger WHERE shard = %s",
        (SHARD,),
    )
    return {(project, hour): (stored, twice, dead) for project, hour, stored, twice, dead in rows}


def count(connection: Connection, table: str = "event") -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def test_both_kinds_are_stored_and_counted(connection: Connection, sink: Sink) -> None:
    fates = store(connection, sink, load([[row(), row()], [row()]], [[row(A), row(B, OTHER)]]))
    assert fates.stored == {LINE: 4, (OTHER.bytes, HOUR): 1}
    assert ledger(connection) == {(PROJECT, HOUR): (4, 0, 0), (OTHER, HOUR): (1, 0, 0)}
    assert count(connection) == 5


def test_counts_add_up_over_transactions(connection: Connection, sink: Sink) -> None:
    store(connection, sink, load([[row(), row()]]))
    store(connection, sink, load([[row()]], [[row(A)]]))
    store(connection, sink, load([], [[row(A), row(B)]]))
    assert ledger(connection) == {(PROJECT, HOUR): (5, 1, 0)}


@pytest.mark.parametrize("is_named", [True, False])
def test_duplicates_of_either_kind_are_left_out(
    connection: Connection, sink: Sink, is_named: bool
) -> None:
    rows = [[row(A), row(B)], [row(A)]]
    fates = store(connection, sink, load([], rows) if is_named else load(rows))
    assert (fates.stored[LINE], fates.duplicates[LINE]) == (2, 1)
    again = store(connection, sink, load([], rows) if is_named else load(rows))
    assert (again.stored[LINE], again.duplicates[LINE]) == (0, 3)
    assert ledger(connection) == {(PROJECT, HOUR): (2, 4, 0)}


def test_without_shelter_the_same_is_stored(connection: Connection, sink: Sink) -> None:
    rows = load([[row(), row()]], [[row(A), row(B, OTHER)]])
    fates = store(connection, sink, rows, sheltered=False)
    assert fates.stored == {LINE: 3, (OTHER.bytes, HOUR): 1}
    assert count(connection) == 4


def test_without_shelter_a_fault_is_raised_and_nothing_stays(
    connection: Connection, sink: Sink
) -> None:
    connection.execute(CHECK)
    with pytest.raises(RowRefused):
        store(connection, sink, load([[row(), row(C, event_type="bad")]]), sheltered=False)
    assert (count(connection), ledger(connection)) == (0, {})


def test_a_duplicate_met_without_shelter_is_looked_up_the_next_time(
    connection: Connection, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(connection, sink, load([], [[row(A)]]))
    again = load([], [[row(A), row(B)]])
    with pytest.raises(RowRefused):
        store(connection, sink, again, sheltered=False)
    monkeypatch.setattr(copy, "through_staging", None)
    fates = store(connection, sink, again, sheltered=False)
    assert (fates.stored[LINE], fates.duplicates[LINE]) == (1, 1)


def test_a_duplicate_makes_a_repeater_of_its_kind(connection: Connection) -> None:
    repeaters = Repeaters(60)
    store(connection, Sink(repeaters), load([[row()]], [[row(A), row(A)]]))
    assert repeaters.projects(is_named=True) == {PROJECT.bytes}
    assert repeaters.projects(is_named=False) == set()


def test_duplicates_of_many_projects_are_left_out(connection: Connection, sink: Sink) -> None:
    projects = [UUID(int=number) for number in range(50, 60)]
    rows = [row(A, project) for project in projects]
    store(connection, sink, load([], [rows, rows, [row(B)]]))
    fates = store(connection, sink, load([], [rows, [row(B), row(C)]]))
    assert (fates.stored.total(), fates.duplicates.total()) == (1, 11)
    assert all(fates.duplicates[project.bytes, HOUR] == 1 for project in projects)


def test_only_repeaters_rows_are_looked_up_and_none_is_staged(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink(Repeaters(60))
    store(connection, sink, load([], [[row(A), row(A)]]))
    looked, stored = [], lookup.stored

    def watched(connection: Connection, keys: Keys, days: Sequence[int]) -> set[int]:
        looked.extend(keys.rows)
        return stored(connection, keys, days)

    monkeypatch.setattr(lookup, "stored", watched)
    monkeypatch.setattr(copy, "through_staging", None)
    rows = [row(A), row(B), row(B), row(A, OTHER), row(B, OTHER)]
    fates = store(connection, sink, load([], [rows]))
    assert (fates.stored.total(), fates.duplicates) == (3, {LINE: 2})
    assert looked == [0, 1]


def test_what_is_stored_between_looking_and_copying_is_a_duplicate(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink(Repeaters(60))
    store(connection, sink, load([], [[row(A), row(A)]]))
    monkeypatch.setattr(lookup, "stored", lambda *_: set())
    fates = store(connection, sink, load([], [[row(A), row(B), row(A, OTHER)]]))
    assert (fates.stored.total(), fates.duplicates) == (2, {LINE: 1})
    assert count(connection) == 3


def test_poison_goes_alone_to_dead_letters(connection: Connection, sink: Sink) -> None:
    connection.execute(CHECK)
    bad = row(C, event_type="bad", properties={"why": "bad"})
    fates = store(connection, sink, load([[row()], [row(), bad]], [[row(A), row(A)]]))
    assert (fates.stored[LINE], fates.duplicates[LINE], fates.dead[LINE]) == (3, 1, 1)
    assert ledger(connection) == {(PROJECT, HOUR): (3, 1, 1)}
    letter = connection.execute(
        "SELECT shard, entry_id, project_id, event_id, tuple, event->'properties', sqlstate,"
        " column_name, message LIKE '%no_bad%' FROM dead_letter"
    ).fetchall()
    assert letter == [(SHARD, "2-0", PROJECT, C, bad, {"why": "bad"}, "23514", None, True)]


def test_poison_of_named_rows_names_its_entry(connection: Connection, sink: Sink) -> None:
    connection.execute(CHECK)
    store(connection, sink, load([[row()]], [[row(A)], [row(B, event_type="bad")]]))
    assert connection.execute("SELECT entry_id FROM dead_letter").fetchall() == [("3-0",)]


def test_json_that_jsonb_refuses_is_kept_as_bytes(connection: Connection, sink: Sink) -> None:
    bad = row(A, properties=b'{"a":"\\u0000"}')
    other = row(B, event_type="bad")
    connection.execute(CHECK)
    store(connection, sink, load([[row(), bad, other]]))
    letters = connection.execute("SELECT tuple, event IS NULL FROM dead_letter ORDER BY id")
    assert sorted(letters.fetchall()) == sorted([(bad, True), (other, False)])


def test_an_unreadable_entry_is_kept_whole(connection: Connection, sink: Sink) -> None:
    broken = Unreadable(f"{HOUR * 3_600_000 + 5}-0", b"\x00\xff", 7, "checksum: it does not fit")
    fates = store(connection, sink, load([[row()]], unreadable=[broken]))
    assert fates.dead == {(NO_PROJECT, HOUR): 7}
    assert ledger(connection)[UUID(bytes=NO_PROJECT), HOUR] == (0, 0, 7)
    letter = connection.execute("SELECT tuple, event_id, message FROM dead_letter").fetchone()
    assert letter == (b"\x00\xff", None, "checksum: it does not fit")


def test_what_is_read_again_is_not_counted_again(connection: Connection, sink: Sink) -> None:
    connection.execute(CHECK)
    broken = Unreadable("9-0", b"x", 2, "codec")
    rows = [[row(), row(B, event_type="bad")]]
    store(connection, sink, load(rows, [[row(A)]], unreadable=[broken]))
    before = ledger(connection)
    again = load(rows, [[row(A)], [row(C)]], unreadable=[broken], is_reread=True)
    fates = store(connection, sink, again)
    assert (fates.stored[LINE], fates.duplicates, fates.dead.total()) == (1, {}, 0)
    before[PROJECT, HOUR] = (before[PROJECT, HOUR][0] + 1, *before[PROJECT, HOUR][1:])
    assert ledger(connection) == before
    assert count(connection, "dead_letter") == 2


def test_one_poison_event_sent_twice_in_an_entry_is_counted_twice(
    connection: Connection, sink: Sink
) -> None:
    connection.execute(CHECK)
    bad = row(A, event_type="bad")
    fates = store(connection, sink, load([], [[row(), bad, bad]]))
    assert (fates.stored[LINE], fates.duplicates[LINE], fates.dead[LINE]) == (1, 0, 2)
    assert count(connection, "dead_letter") == 2


def test_a_dead_letter_that_is_read_again_stays_one(connection: Connection, sink: Sink) -> None:
    """What could be stored by now is a matter for replay: it moves the count as well."""
    connection.execute(CHECK)
    rows = [[row(), row(B, event_type="bad")]]
    store(connection, sink, load(rows, [[row(C, event_type="bad")]]))
    connection.execute("ALTER TABLE event DROP CONSTRAINT no_bad")
    again = load(rows, [[row(C, event_type="bad"), row(A)]], is_reread=True)
    fates = store(connection, sink, again)
    assert (fates.stored[LINE], count(connection)) == (1, 2)
    assert ledger(connection) == {(PROJECT, HOUR): (2, 0, 2)}


def test_an_entry_that_became_readable_stays_a_dead_letter(
    connection: Connection, sink: Sink
) -> None:
    store(connection, sink, load([], unreadable=[Unreadable("1-0", b"x", 2, "codec: new")]))
    fates = store(connection, sink, load([[row(), row()], [row()]], is_reread=True))
    assert (fates.stored[LINE], fates.dead.total(), count(connection)) == (1, 0, 1)


def test_nothing_is_kept_of_a_transaction_that_fails(connection: Connection, sink: Sink) -> None:
    connection.execute("DROP TABLE ledger")
    with pytest.raises(psycopg.errors.UndefinedTable):
        store(connection, sink, load([[row()]], [[row(A), row(A)]]))
    assert count(connection) == 0


def test_an_error_that_no_row_caused_is_passed_on(connection: Connection, sink: Sink) -> None:
    connection.execute("ALTER TABLE event RENAME COLUMN user_id TO visitor")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        store(connection, sink, load([[row()]]))


def test_a_narrower_column_of_a_user_makes_poison(connection: Connection, sink: Sink) -> None:
    connection.execute("ALTER TABLE event ALTER COLUMN user_id TYPE varchar(5)")
    fates = store(connection, sink, load([[row(user_id="short"), row(user_id="too long")]]))
    assert (fates.stored[LINE], fates.dead[LINE]) == (1, 1)
    assert connection.execute("SELECT sqlstate FROM dead_letter").fetchall() == [("22001",)]
