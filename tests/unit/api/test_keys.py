"""Keys in memory, followed in PostgreSQL, with a copy in Valkey."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import psycopg
import pytest
from ingest.api import keys
from ingest.api.keys import KeyFollower, KeyRing
from ingest.errors import IngestError
from ingest.store import key_table, projects, session
from ingest.store import keys as stored_keys
from ingest.store.key_table import Grant, KeyTable
from ingest.stream.connection import connect
from ingest.stream.shards import KEYS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis

DEADLINE_S = 10.0
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
KEY = "wk_test_" + "k" * 43
BACK = """
    ALTER TABLE api_key DISABLE TRIGGER USER;
    UPDATE api_key SET revoked_at = now();
    UPDATE key_generation SET generation = 1, noted_since = 0
"""
#: A project a key, whose name is its number.
FILL = """
    WITH made AS (
        INSERT INTO project (project_id, name, plan)
        SELECT gen_random_uuid(), 'many ' || i, 'pro' FROM generate_series(%s::int, %s::int) AS i
        RETURNING project_id, name
    )
    INSERT INTO api_key (key_hash, project_id, name)
    SELECT sha256(name::bytea), project_id, substr(name, 6) FROM made
"""


@pytest.fixture
def server(valkey: EmbeddedValkey) -> Iterator[Redis]:
    with connect(valkey.url, name="test") as client:
        client.delete(KEYS_KEY)
        yield client


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def make(dsn: str, name: str, key: str = KEY) -> projects.Project:
    with session.connect(dsn, "test") as connection:
        project = projects.create(connection, name, "pro")
        assert project is not None
        stored_keys.insert(connection, project.project_id, stored_keys.digest(key))
    return project


def execute(dsn: str, statement: str) -> None:
    with session.connect(dsn, "test") as connection:
        connection.execute(statement.encode())


def fill(dsn: str, count: int, since: int = 0) -> None:
    with session.connect(dsn, "test") as connection:
        connection.execute(FILL, (since, since + count - 1))


def whole(dsn: str) -> dict[bytes, Grant]:
    """Read all keys as one does who starts."""
    with closing(KeyTable(dsn)) as table:
        grants = table.poll()
    assert grants is not None
    return grants


def after_a_round(table: KeyTable) -> dict[bytes, Grant] | None:
    """Let each slice be due; give what the last poll told."""
    told = None
    for _ in range(key_table.SLICES):
        table._slice_at -= key_table.WHOLE_S
        told = table.poll()
    return told


def is_waiting(dsn: str, application: str) -> bool:
    """Say whether a connection waits for a lock."""
    with session.connect(dsn, "test") as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
            " AND datname = current_database() AND wait_event_type = 'Lock'",
            (application,),
        ).fetchone()
    return found == (1,)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many keys were asked for, each time that not all were read."""
    counts, updated = [], key_table._updated

    def counting(
        before: dict[bytes, Grant], asked: set[bytes], found: dict[bytes, Grant]
    ) -> dict[bytes, Grant]:
        counts.append(len(asked))
        return updated(before, asked, found)

    monkeypatch.setattr(key_table, "_updated", counting)
    return counts


def test_where_a_key_is_found() -> None:
    assert keys.presented({"x-api-key": "a", "authorization": "Bearer b"}) == "a"
    assert keys.presented({"authorization": "Bearer b"}) == "b"
    assert keys.presented({"authorization": "bearer  b "}) == "b"
    assert keys.presented({"authorization": "Basic b"}) is None
    assert keys.presented({}) is None


def test_a_ring_knows_digests_alone() -> None:
    ring, grant = KeyRing(), Grant(bytes(16), "shop", "pro", is_revoked=False)
    assert not ring.is_loaded
    assert ring.find(KEY) is None
    ring.replace({sha256(KEY.encode()).digest(): grant})
    assert ring.is_loaded
    assert ring.find(KEY) is grant
    assert ring.find(KEY[:-1]) is None
    assert ring.find("ключ") is None


def test_a_table_is_read_when_something_changed(dsn: str) -> None:
    with closing(KeyTable(dsn)) as table:
        assert table.poll() == {}
        assert table.poll() is None
        project = make(dsn, "shop")
        grants = table.poll()
        assert grants is not None
        expected = Grant(project.project_id.bytes, "shop", "pro", is_revoked=False)
        assert grants == {stored_keys.digest(KEY): expected}
        assert table.poll() is None
        for change in (
            "UPDATE api_key SET revoked_at = now()",
            "UPDATE project SET plan = 'free'",
            "DELETE FROM api_key",
            "TRUNCATE api_key",
            "TRUNCATE project CASCADE",
        ):
            execute(dsn, change)
            assert table.poll() is not None, change
            assert table.poll() is None, change


def test_a_table_that_did_not_change_is_not_read(dsn: str) -> None:
    """What is polled is one row, however many keys there are: the tables need not even be there."""
    make(dsn, "shop")
    with closing(KeyTable(dsn)) as table:
        table.poll()
        assert table._connection is not None
        for name in ("api_key", "project"):
            table._connection.execute(f"ALTER TABLE {name} RENAME TO away_{name}")
        assert [table.poll() for _ in range(3)] == [None] * 3
        table._slice_at -= key_table.WHOLE_S
        with pytest.raises(IngestError, match="does not exist"):
            table.poll()


def test_a_change_is_seen_when_it_is_committed_and_not_before(dsn: str) -> None:
    """Two at once: the later commit tells of both."""
    project = make(dsn, "shop")
    with closing(KeyTable(dsn)) as table:
        table.poll()
        with session.connect(dsn, "test") as connection:
            with connection.transaction():
                stored_keys.revoke(connection, project.project_id, None)
                assert table.poll() is None
            grants = table.poll()
        assert grants is not None
        assert [grant.is_revoked for grant in grants.values()] == [True]


def test_without_a_change_all_is_read_once_a_minute(dsn: str) -> None:
    """As after a restore that went around the triggers: slice by slice, all in one round."""
    fill(dsn, 100)
    with closing(KeyTable(dsn)) as table:
        before = table.poll()
        assert before is not None
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute("ALTER TABLE api_key DISABLE TRIGGER USER")
            owner.execute("DELETE FROM api_key WHERE get_byte(key_hash, 5) < 64")
            owner.execute("UPDATE api_key SET revoked_at = now()")
            fill(dsn, 20, since=200)
        assert table.poll() is None
        assert after_a_round(table) == whole(dsn)
        assert not before.keys() <= whole(dsn).keys()
        assert table.poll() is None
        assert after_a_round(table) == whole(dsn), "told once a minute though nothing changed"


def test_of_many_keys_those_that_changed_are_read(dsn: str, asked: list[int]) -> None:
    fill(dsn, 1000)
    with closing(KeyTable(dsn)) as table:
        table.poll()
        assert asked == []
        for change, touched in (
            ("UPDATE api_key SET revoked_at = now() WHERE name = '7'", 1),
            ("UPDATE project SET plan = 'free' WHERE name = 'many 8'", 1),
            ("UPDATE project SET name = 'few' WHERE name = 'many 9'", 1),
            ("UPDATE api_key SET key_hash = sha256('moved') WHERE name = '10'", 2),
            ("DELETE FROM api_key WHERE name IN ('11', '12')", 2),
            ("UPDATE api_key SET name = '' WHERE name = 'nobody'", 0),
            ("INSERT INTO api_key SELECT sha256('new'), project_id FROM project LIMIT 1", 1),
        ):
            execute(dsn, change)
            table.poll()
            assert table._grants == whole(dsn), change
            assert asked.pop() == touched, change
            assert not asked, change


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE api_key SET revoked_at = now()",
        "UPDATE project SET plan = 'free'",
        "DELETE FROM api_key",
        "TRUNCATE api_key",
        "TRUNCATE project CASCADE",
        BACK,
        "DELETE FROM key_generation; UPDATE api_key SET revoked_at = now()",
    ],
)
def test_a_change_that_is_not_noted_by_key_is_not_missed(dsn: str, change: str) -> None:
    """Of more keys than are noted, of a table, of a number that went back."""
    fill(dsn, 300)
    with closing(KeyTable(dsn)) as table:
        table.poll()
        execute(dsn, change)
        assert table.poll() == whole(dsn)
        with session.connect(dsn, "test") as connection:
            noted = connection.execute("SELECT count(*) FROM key_change").fetchone()
        assert noted is not None
        assert noted[0] <= 3 * 201


def test_whoever_was_away_for_more_changes_than_are_kept_reads_all(dsn: str) -> None:
    fill(dsn, 3)
    with closing(KeyTable(dsn)) as table, session.connect(dsn, "test") as connection:
        table.poll()
        connection.execute("UPDATE api_key SET revoked_at = now() WHERE name = '1'")
        for _ in range(501):  # two numbers each
            connection.execute("UPDATE api_key SET expires_at = now() WHERE name = '2'")
        assert connection.execute("SELECT count(*) <= 1000 FROM key_change").fetchone() == (True,)
        assert table.poll() == whole(dsn)


def test_of_two_changes_at_once_neither_is_missed(dsn: str) -> None:
    """The second may not be seen before the first, which took the lower number and is slow."""
    fill(dsn, 4)
    change = "UPDATE api_key SET revoked_at = now() WHERE name = %s"
    with (
        closing(KeyTable(dsn)) as table,
        session.connect(dsn, "first") as first,
        session.connect(dsn, "second") as second,
        ThreadPoolExecutor(1) as threads,
    ):
        table.poll()
        first.execute("BEGIN")
        first.execute(change, ("1",))
        later = threads.submit(second.execute, change, ("2",))
        until(lambda: later.done() or is_waiting(dsn, "second"))
        table.poll()
        first.execute("COMMIT")
        later.result(DEADLINE_S)
        table.poll()
        assert [grant.is_revoked for grant in table._grants.values()].count(True) == 2
        assert table._grants == whole(dsn)


def test_changes_of_many_at_once_all_arrive(dsn: str) -> None:
    """Eight writers, of whom some roll back, beside a reader that polls without a pause."""
    fill(dsn, 200)
    ended = threading.Event()

    def write(writer: int) -> None:
        dice = random.Random(writer)  # noqa: S311 - a test's dice
        with session.connect(dsn, "writer") as connection:
            for _ in range(40):
                name = str(dice.randrange(200))
                with connection.transaction(force_rollback=dice.random() < 0.2):
                    connection.execute(
                        "UPDATE api_key SET expires_at = to_timestamp(%s) WHERE name = %s",
                        (dice.randrange(10**9), name),
                    )
                    connection.execute("SELECT pg_sleep(0.001)")

    def read(table: KeyTable) -> None:
        while not ended.is_set():
            table.poll()

    with closing(KeyTable(dsn)) as table, ThreadPoolExecutor(9) as threads:
        table.poll()
        reading = threads.submit(read, table)
        for writing in [threads.submit(write, number) for number in range(8)]:
            writing.result(60)
        ended.set()
        reading.result(DEADLINE_S)
        table.poll()
        assert table._grants == whole(dsn)


def test_only_what_differs_is_written_to_the_copy(
    dsn: str, server: Redis, valkey: EmbeddedValkey
) -> None:
    project = make(dsn, "shop")
    follower = KeyFollower(KeyRing(), dsn, valkey.worker_url)
    try:
        follower._follow()
        before = server.info("commandstats")
        with session.connect(dsn, "test") as connection:
            stored_keys.insert(connection, project.project_id, stored_keys.digest("other"))
        follower._follow()
        assert server.hlen(KEYS_KEY) == 2
        with psycopg.connect(dsn) as owner:
            owner.execute("DELETE FROM api_key WHERE key_hash = %s", (stored_keys.digest(KEY),))
        follower._follow()
        assert server.hkeys(KEYS_KEY) == [stored_keys.digest("other").hex().encode()]
        after = server.info("commandstats")
        calls = ("cmdstat_hgetall", "cmdstat_hset")
        assert [after[name]["calls"] - before[name]["calls"] for name in calls] == [0, 1]
    finally:
        follower._table.close()
        follower._copy.close()


def test_a_copy_that_valkey_lost_is_made_again(
    dsn: str, server: Redis, valkey: EmbeddedValkey
) -> None:
    make(dsn, "shop")
    follower = KeyFollower(KeyRing(), dsn, valkey.worker_url)
    try:
        follower._follow()
        server.delete(KEYS_KEY)
        for _ in range(key_table.SLICES):
            follower._table._slice_at -= key_table.WHOLE_S
            follower._follow()
        assert server.hlen(KEYS_KEY) == 1
    finally:
        follower._table.close()
        follower._copy.close()


def test_a_table_connects_again(dsn: str) -> None:
    with closing(KeyTable(dsn)) as table:
        table.poll()
        execute(
            dsn,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'ingest keys' AND datname = current_database()",
        )
        with pytest.raises(IngestError):
            table.poll()
        assert table.poll() == {}, "behind a new connection may be another server"
        assert table.poll() is None


def test_a_ring_follows_the_table(dsn: str, server: Redis, valkey: EmbeddedValkey) -> None:
    ring = KeyRing()
    follower = KeyFollower(ring, dsn, valkey.worker_url)
    follower.start()
    try:
        until(lambda: ring.is_loaded)
        assert ring.find(KEY) is None
        make(dsn, "shop")
        until(lambda: ring.find(KEY) is not None)
        execute(dsn, "UPDATE api_key SET revoked_at = now()")
        until(lambda: (grant := ring.find(KEY)) is not None and grant.is_revoked)
        until(lambda: '"revoked": true' in str(server.hvals(KEYS_KEY)))
        execute(dsn, "DELETE FROM api_key")
        until(lambda: ring.find(KEY) is None)
        until(lambda: not server.exists(KEYS_KEY))
    finally:
        follower.stop()
        follower.join(DEADLINE_S)


def test_a_worker_starts_by_the_copy(dsn: str, server: Redis, valkey: EmbeddedValkey) -> None:
    project = make(dsn, "shop")
    for url in (dsn, NOWHERE):
        ring = KeyRing()
        follower = KeyFollower(ring, url, valkey.worker_url)
        follower.start()
        until(lambda found=ring: found.is_loaded)  # type: ignore[misc]
        until(lambda: server.exists(KEYS_KEY) == 1)
        grant = ring.find(KEY)
        assert grant == Grant(project.project_id.bytes, "shop", "pro", is_revoked=False)
        follower.stop()
        follower.join(DEADLINE_S)


def test_no_key_is_in_the_copy(dsn: str, server: Redis, valkey: EmbeddedValkey) -> None:
    make(dsn, "shop")
    follower = KeyFollower(KeyRing(), dsn, valkey.worker_url)
    follower.start()
    until(lambda: server.exists(KEYS_KEY) == 1)
    follower.stop()
    follower.join(DEADLINE_S)
    assert KEY not in str(server.hgetall(KEYS_KEY))


def test_a_key_works_until_it_is_revoked_or_has_ended() -> None:
    key = Grant(bytes(16), "shop", "pro", ends_s=100.0)
    assert key.fault(99.9) is None
    assert key.fault(100.0) == "key_expired"
    assert Grant(bytes(16), "shop", "pro").fault(1e12) is None
    assert Grant(bytes(16), "shop", "pro", is_revoked=True, ends_s=1e12).fault(0) == "key_revoked"


def test_plan_and_end_are_in_the_copy(dsn: str, server: Redis, valkey: EmbeddedValkey) -> None:
    make(dsn, "shop")
    execute(dsn, "UPDATE api_key SET expires_at = to_timestamp(4102444800.25)")
    execute(dsn, "UPDATE project SET plan = 'team'")
    for url in (dsn, NOWHERE):
        ring = KeyRing()
        follower = KeyFollower(ring, url, valkey.worker_url)
        follower.start()
        until(lambda found=ring: found.is_loaded)  # type: ignore[misc]
        until(lambda: server.exists(KEYS_KEY) == 1)
        grant = ring.find(KEY)
        assert grant is not None
        assert (grant.plan, grant.ends_s) == ("team", 4102444800.25)
        follower.stop()
        follower.join(DEADLINE_S)


COPIED = {
    "project_id": "00" * 16,
    "name": "shop",
    "plan": "pro",
    "revoked": False,
    "ends_s": None,
}


@pytest.mark.parametrize(
    ("digest", "text"),
    [
        ("ab" * 32, json.dumps({name: COPIED[name] for name in COPIED if name != "revoked"})),
        ("ab" * 32, "no JSON"),
        ("ab" * 32, "[]"),
        ("ab" * 32, b"\xff"),
        ("not hex", json.dumps(COPIED)),
        (b"\xff", json.dumps(COPIED)),
        ("ab" * 32, json.dumps(COPIED | {"project_id": 7})),
        ("ab" * 32, json.dumps(COPIED | {"project_id": "00"})),
        ("ab" * 32, json.dumps(COPIED | {"ends_s": "soon"})),
        ("ab" * 32, "[" * 100_000),
    ],
    ids=[
        *("no field", "no JSON", "no object", "no UTF-8", "no hex", "no text", "no id"),
        *("short id", "no time", "too deep"),
    ],
)
def test_a_copy_of_another_form_is_none_and_is_mended(
    digest: str | bytes, text: str | bytes, dsn: str, server: Redis, valkey: EmbeddedValkey
) -> None:
    server.hset(KEYS_KEY, digest, text)
    make(dsn, "shop")
    ring = KeyRing()
    follower = KeyFollower(ring, NOWHERE, valkey.worker_url)
    follower._follow()
    assert not ring.is_loaded
    follower._table = KeyTable(dsn)
    follower._follow()
    assert ring.find(KEY) is not None
    assert list(server.hgetall(KEYS_KEY)) == [stored_keys.digest(KEY).hex().encode()]
    follower._table.close()
    follower._copy.close()


def test_no_error_ends_the_thread(
    dsn: str, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(dsn, "shop")
    ring, failed = KeyRing(), threading.Event()
    poll = KeyTable.poll

    def failing(table: KeyTable) -> dict[bytes, Grant] | None:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError
        return poll(table)

    monkeypatch.setattr(KeyTable, "poll", failing)
    follower = KeyFollower(ring, dsn, valkey.worker_url)
    follower.start()
    until(lambda: ring.find(KEY) is not None)
    follower.stop()
    follower.join(DEADLINE_S)


def test_the_copy_stands_in_for_a_server_that_hangs(
    dsn: str, server: Redis, valkey: EmbeddedValkey
) -> None:
    """It takes the connection and then says nothing, as a stopped process does."""
    make(dsn, "shop")
    first = KeyFollower(KeyRing(), dsn, valkey.worker_url)
    first.start()
    until(lambda: server.exists(KEYS_KEY) == 1)
    first.stop()
    first.join(DEADLINE_S)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ring, began = KeyRing(), time.monotonic()
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        follower = KeyFollower(ring, url, valkey.worker_url)
        follower.start()
        until(lambda: ring.is_loaded)
        assert time.monotonic() - began < keys.HEAD_START_S + 1
        assert ring.find(KEY) is not None
        follower.stop()
    follower.join(DEADLINE_S)


def test_the_copy_never_takes_the_place_of_what_is_known() -> None:
    ring, grant = KeyRing(), Grant(bytes(16), "shop", "pro")
    digest = sha256(KEY.encode()).digest()
    assert ring.begin({})
    assert not ring.begin({digest: grant})
    ring.replace({digest: grant})
    assert ring.find(KEY) is grant
