"""Keys in memory, followed in PostgreSQL, with a copy in Valkey."""

from __future__ import annotations

import json
import socket
import threading
import time
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
        table._whole_at -= key_table.WHOLE_S
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
    """As after a restore that went around the triggers."""
    make(dsn, "shop")
    with closing(KeyTable(dsn)) as table:
        table.poll()
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute("ALTER TABLE api_key DISABLE TRIGGER USER")
            owner.execute("UPDATE api_key SET revoked_at = now()")
        assert table.poll() is None
        table._whole_at -= key_table.WHOLE_S
        grants = table.poll()
        assert grants is not None
        assert [grant.is_revoked for grant in grants.values()] == [True]
        assert table.poll() is None


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
        follower._table._whole_at -= key_table.WHOLE_S
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
