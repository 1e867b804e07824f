"""The position moves once, from where it stands, by its owner alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from ingest.consumer import position
from ingest.consumer.position import START, Step
from ingest.errors import LeaseLost, NeedsPerson
from ingest.store import session

if TYPE_CHECKING:
    from ingest.store.session import Connection

STEP = Step(1, START, "5-0", "run")


@pytest.fixture
def owned(connection: Connection) -> Connection:
    connection.execute("UPDATE position SET owner = 'me'")
    return connection


def stands_at(connection: Connection) -> tuple[str, str | None]:
    row = connection.execute("SELECT entry_id, run_id FROM position WHERE shard = 1").fetchone()
    assert row is not None
    return row[0], row[1]


def test_it_moves_from_where_it_stands(owned: Connection) -> None:
    assert position.advance(owned, STEP, "me")
    assert stands_at(owned) == ("5-0", "run")
    assert position.advance(owned, Step(1, "5-0", "7-0", "other"), "me")
    assert stands_at(owned) == ("7-0", "other")


def test_the_same_step_twice_is_known(owned: Connection) -> None:
    assert position.advance(owned, STEP, "me")
    assert not position.advance(owned, STEP, "me")


def test_another_owner_moves_nothing(owned: Connection) -> None:
    with pytest.raises(LeaseLost, match="shard 1"):
        position.advance(owned, STEP, "you")
    position.advance(owned, STEP, "me")
    with pytest.raises(LeaseLost):
        position.advance(owned, STEP, "you")
    assert stands_at(owned) == ("5-0", "run")


def test_another_place_moves_nothing(owned: Connection) -> None:
    with pytest.raises(LeaseLost):
        position.advance(owned, Step(1, "4-0", "6-0", "run"), "me")
    assert stands_at(owned) == (START, None)


def test_reading_again_needs_the_position_to_stand(owned: Connection) -> None:
    position.advance(owned, STEP, "me")
    assert position.advance(owned, Step(1, "5-0", "5-0", "run"), "me")
    with pytest.raises(LeaseLost):
        position.advance(owned, Step(1, "4-0", "4-0", "run"), "me")


def test_of_two_that_race_one_moves(owned: Connection, dsn: str) -> None:
    def move(_number: int) -> bool:
        with session.connect(dsn, "test") as own, own.transaction():
            return position.advance(own, STEP, "me")

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(move, range(8))) == [False] * 7 + [True]
    assert stands_at(owned) == ("5-0", "run")


def test_the_number_of_shards_is_fixed(connection: Connection) -> None:
    position.prepare(connection, 4)
    with pytest.raises(NeedsPerson, match="holds 4 shards and the setting says 8"):
        position.prepare(connection, 8)
    assert connection.execute("SELECT count(*) FROM position").fetchone() == (4,)
