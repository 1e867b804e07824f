"""Poison is told apart row by row, and everything else is stored."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest.store import copy, tuples
from ingest.store.errors import MissingPartition
from ingest.store.sift import Fault, sift

from tests.unit.store.rows import OTHER, PROJECT, TIME, row, stream

if TYPE_CHECKING:
    from ingest.store.session import Connection

CHECK = "ALTER TABLE event ADD CONSTRAINT no_bad CHECK (event_type <> 'bad')"
TRIGGER = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.event_type = 'bad' THEN RAISE EXCEPTION 'no bad'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER refuse {} INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse()
"""


def sifted(connection: Connection, rows: list[bytes]) -> tuple[set[int], dict[int, Fault]]:
    with connection.transaction():
        return sift(connection, tuples.split(stream(rows)))


def stored(connection: Connection) -> Counter[str]:
    rows = connection.execute("SELECT event_type, count(*) FROM event GROUP BY 1")
    return Counter(dict(rows.fetchall()))


def mixed(kinds: list[bool], project: UUID = PROJECT) -> list[bytes]:
    return [row(project=project, event_type="bad" if is_bad else "good") for is_bad in kinds]


@pytest.mark.parametrize("bad", [[0], [9], [0, 9], [4, 5], [0, 1, 2], [1, 3, 5, 7, 9], range(10)])
@pytest.mark.parametrize("refusal", [CHECK, TRIGGER.format("BEFORE"), TRIGGER.format("AFTER")])
def test_poison_is_found_wherever_it_stands(
    connection: Connection, refusal: str, bad: list[int]
) -> None:
    connection.execute(refusal)
    duplicates, faults = sifted(connection, mixed([number in bad for number in range(10)]))
    assert (set(faults), duplicates) == (set(bad), set())
    assert stored(connection)["good"] == 10 - len(bad)
    assert stored(connection)["bad"] == 0


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kinds=st.lists(st.sampled_from(["good", "bad", "seen", "twice"]), max_size=120))
def test_any_mix_is_told_apart(connection: Connection, kinds: list[str]) -> None:
    connection.execute("TRUNCATE event")
    connection.execute(f"ALTER TABLE event DROP CONSTRAINT IF EXISTS no_bad; {CHECK}")
    ids = [UUID(int=number + 1) for number in range(len(kinds))]
    seen = [row(each) for each, kind in zip(ids, kinds, strict=True) if kind == "seen"]
    copy.straight(connection, stream(seen))
    rows, expected = [], Counter[str]()
    for each, kind in zip(ids, kinds, strict=True):
        expected[kind] += 1
        rows += [row(each, event_type="bad" if kind == "bad" else "good")]
        rows += [row(each)] if kind == "twice" else []
    duplicates, faults = sifted(connection, rows)
    assert len(faults) == expected["bad"]
    assert len(duplicates) == expected["seen"] + expected["twice"]
    assert stored(connection).total() == len(kinds) - expected["bad"]


def test_a_fault_says_why(connection: Connection) -> None:
    connection.execute(CHECK)
    rows = [row(), row(event_type="bad"), row(properties=b'{"a":"\\u0000"}')]
    _, faults = sifted(connection, rows)
    assert (faults[1].sqlstate, faults[1].column) == ("23514", None)
    assert "no_bad" in faults[1].message
    assert (faults[2].sqlstate, faults[2].column) == ("22P05", "properties")


def test_one_projects_poison_leaves_the_others_whole(connection: Connection) -> None:
    connection.execute(CHECK)
    own = mixed([number % 2 == 0 for number in range(40)])
    other = mixed([False] * 40, OTHER)
    rows = [each for pair in zip(own, other, strict=True) for each in pair]
    _, faults = sifted(connection, rows)
    assert len(faults) == 20
    counts = connection.execute("SELECT project_id, count(*) FROM event GROUP BY 1").fetchall()
    assert dict(counts) == {PROJECT: 20, OTHER: 40}


def test_many_poisonous_projects_are_told_apart(connection: Connection) -> None:
    connection.execute(CHECK)
    rows = [each for n in range(20) for each in mixed([True, False], UUID(int=100 + n))]
    _, faults = sifted(connection, rows)
    assert (len(faults), stored(connection)) == (20, Counter(good=20))


def test_a_unique_index_of_a_user_makes_poison(connection: Connection) -> None:
    connection.execute("CREATE UNIQUE INDEX one_user ON event (user_id, timestamp)")
    duplicates, faults = sifted(connection, [row(user_id="a"), row(user_id="a"), row(user_id="b")])
    assert (duplicates, set(faults)) == (set(), {1})


def test_a_missing_partition_is_no_poison(connection: Connection) -> None:
    with pytest.raises(MissingPartition):
        sifted(connection, [row(), row(time=TIME + timedelta(days=5))])


def test_a_day_that_can_have_no_partition_is_poison(connection: Connection) -> None:
    _, faults = sifted(connection, [row(), row(time=TIME.replace(year=2300))])
    assert (faults[1].sqlstate, stored(connection).total()) == ("23514", 1)


@pytest.mark.slow
@pytest.mark.parametrize("refusal", [CHECK, TRIGGER.format("AFTER")])
def test_much_poison_takes_seconds(connection: Connection, refusal: str) -> None:
    connection.execute(refusal)
    rows = mixed([number % 10 == 3 for number in range(50_000)])
    began = time.monotonic()
    faults = 0
    for start in range(0, len(rows), 20_000):
        faults += len(sifted(connection, rows[start : start + 20_000])[1])
    print(f"5,000 poison rows among 50,000: {time.monotonic() - began:.1f} s")  # noqa: T201
    assert (faults, stored(connection)["good"]) == (5000, 45_000)
    assert time.monotonic() - began < 10
