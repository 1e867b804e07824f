"""Leases: shared fairly, taken over from the dead, never from the living."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest
from ingest.consumer import position
from ingest.consumer.lease import Lease
from ingest.consumer.position import START, Position, Step
from ingest.errors import LeaseLost
from ingest.store import session

from tests.running import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingest.store.session import Connection

Join: TypeAlias = "Callable[..., Member]"
LONG_S = 60.0
SHORT_S = 0.5
SHARDS = 4


class Member:
    """One consumer as PostgreSQL sees it: a connection that writes and a lease."""

    def __init__(self, dsn: str, lease_s: float = LONG_S) -> None:
        self.writer = session.connect(dsn, "test")
        self.lease = Lease(lease_s)
        self.lease.join(self.writer)

    def balance(self) -> set[int]:
        """Share out and give the shards that are its own now."""
        return set(self.lease.balance(self.writer))


@pytest.fixture
def join(connection: Connection, dsn: str) -> Iterator[Join]:
    del connection
    with ExitStack() as stack:

        def make(lease_s: float = LONG_S) -> Member:
            member = Member(dsn, lease_s)
            stack.callback(member.writer.close)
            return member

        yield make


@pytest.fixture
def members(join: Join) -> tuple[Member, Member]:
    return join(), join()


def owners(connection: Connection) -> list[str | None]:
    return [row[0] for row in connection.execute("SELECT owner FROM position ORDER BY shard")]


def test_one_alone_owns_all(connection: Connection, join: Join) -> None:
    member = join()
    owned = member.lease.balance(member.writer)
    assert owned == dict.fromkeys(range(SHARDS), Position(START, None))
    assert owners(connection) == [member.lease.owner] * SHARDS


def test_two_share_equally(members: tuple[Member, Member]) -> None:
    first, second = members
    first.balance()
    second.balance()
    first.balance()
    assert (len(first.balance()), len(second.balance())) == (2, 2)
    assert first.balance().isdisjoint(second.balance())


def test_a_shard_in_a_transaction_is_not_given_away(
    members: tuple[Member, Member], connection: Connection
) -> None:
    first, second = members
    connection.execute("UPDATE position SET owner = %s", (first.lease.owner,))
    with connection.transaction():
        for shard in range(SHARDS):
            position.advance(connection, Step(shard, START, "1-0", "run"), first.lease.owner)
        assert len(first.balance()) == SHARDS
    assert len(first.balance()) == 2
    assert len(second.balance()) == 2


def test_one_that_leaves_makes_room(members: tuple[Member, Member]) -> None:
    first, second = members
    first.balance()
    first.lease.leave(first.writer)
    assert len(second.balance()) == SHARDS


def test_the_living_are_not_buried(members: tuple[Member, Member]) -> None:
    first, second = members
    first.balance()
    assert second.lease.bury_dead(second.writer) == []
    assert first.writer.execute("SELECT 1").fetchone() == (1,)


def age(connection: Connection, lease: Lease, seconds: float) -> None:
    """Make a lease look so much older, and the server as if it had started long ago."""
    connection.execute(
        "UPDATE consumer SET beat_at = beat_at - %(s)s * interval '1 s',"
        " leased_until = leased_until - %(s)s * interval '1 s' WHERE owner = %(owner)s",
        {"s": seconds, "owner": lease.owner},
    )


def is_buried(second: Member, name: str) -> bool:
    return second.lease.bury_dead(second.writer) == [name]


def test_a_frozen_one_loses_its_backend_and_its_shards(connection: Connection, join: Join) -> None:
    frozen, second = join(SHORT_S), join(SHORT_S)
    frozen.balance()
    frozen.writer.execute("BEGIN")
    position.advance(frozen.writer, Step(0, START, "5-0", "run"), frozen.lease.owner)
    age(connection, frozen.lease, LONG_S)
    until(lambda: is_buried(second, frozen.lease.owner), 10, "the frozen one is buried")
    assert second.balance() == set(range(SHARDS))
    with pytest.raises(psycopg.OperationalError):
        frozen.writer.execute("COMMIT")
    assert second.lease.balance(second.writer)[0] == Position(START, None)


def test_a_killed_one_is_noticed_before_its_lease_ends(connection: Connection, join: Join) -> None:
    killed, second = join(), join(1.0)
    killed.balance()
    killed.writer.close()
    age(connection, killed.lease, 5)
    until(lambda: is_buried(second, killed.lease.owner), 10, "the killed one is buried")
    assert second.balance() == set(range(SHARDS))


def test_one_that_only_reconnects_keeps_its_shards(
    members: tuple[Member, Member], dsn: str
) -> None:
    first, second = members
    first.balance()
    first.writer.close()
    assert second.lease.bury_dead(second.writer) == []
    with session.connect(dsn, "test") as again:
        first.lease.join(again)
        assert set(first.lease.balance(again)) == {0, 1}


def test_reconnecting_ends_the_own_former_backend(
    connection: Connection, join: Join, dsn: str
) -> None:
    member = join()
    member.balance()
    former = member.writer
    former.execute("BEGIN")
    position.advance(former, Step(0, START, "5-0", "run"), member.lease.owner)
    with session.connect(dsn, "test") as again:
        member.lease.join(again)
        assert position.advance(again, Step(0, START, "6-0", "run"), member.lease.owner)
    with pytest.raises(psycopg.OperationalError):
        former.execute("COMMIT")
    assert connection.execute("SELECT max(entry_id) FROM position").fetchone() == ("6-0",)


def test_a_recycled_process_id_is_left_alone(connection: Connection, join: Join) -> None:
    dead, second = join(SHORT_S), join(SHORT_S)
    dead.balance()
    dead.writer.close()
    age(connection, dead.lease, LONG_S)
    connection.execute(
        "UPDATE consumer SET backend_pid = %s WHERE owner = %s",
        (connection.info.backend_pid, dead.lease.owner),
    )
    until(lambda: is_buried(second, dead.lease.owner), 10, "the dead one is buried")
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_one_that_beats_in_time_is_not_buried_after_all(connection: Connection, join: Join) -> None:
    late, second = join(SHORT_S), join(SHORT_S)
    late.balance()
    age(connection, late.lease, LONG_S)
    late.lease.beat(late.writer)
    assert second.lease.bury_dead(second.writer) == []
    assert late.balance()


def test_a_buried_one_cannot_write(connection: Connection, join: Join, dsn: str) -> None:
    buried, second = join(SHORT_S), join(SHORT_S)
    buried.balance()
    age(connection, buried.lease, LONG_S)
    until(lambda: is_buried(second, buried.lease.owner), 10, "it is buried")
    second.balance()
    with session.connect(dsn, "test") as again:
        buried.lease.join(again)
        with pytest.raises(LeaseLost):
            position.advance(again, Step(0, START, "5-0", "run"), buried.lease.owner)
