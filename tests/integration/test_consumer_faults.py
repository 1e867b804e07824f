"""Servers that restart, are replaced or refuse: nothing lost, nothing doubled, and it goes on."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from ingest.local.data_dir import DataDir
from ingest.local.postgres import EmbeddedPostgres
from ingest.local.valkey import EmbeddedValkey
from ingest.store.migrations import migrate
from ingest.stream.connection import connect
from ingest.stream.shards import stream_key

from bench.crash.link import Link, Weather
from bench.crash.servers import POSTGRES_SOCKET
from tests.integration.consuming import SHARDS, Child, Worker, consuming, settings
from tests.running import until
from tests.unit.consumer.entries import batch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.local.process import Process
    from ingest.settings import Settings

START_S = 60.0


class Servers:
    """Two servers of this test alone, which may be stopped, emptied and started again."""

    def __init__(self, base: Path) -> None:
        home = DataDir(base / "data")
        self.postgres, self.valkey = EmbeddedPostgres(home), EmbeddedValkey(home)

    def start(self, server: Process) -> None:
        """Start one and wait for it."""
        server.prepare()
        server.start()
        server.wait_ready(START_S)

    def restart(self, server: Process) -> None:
        """Kill one and start it on the same data."""
        server.kill()
        self.start(server)

    def replace_valkey(self) -> None:
        """Start it with an empty data set, as a new machine would."""
        self.valkey.kill()
        shutil.rmtree(self.valkey.home.server_dir("valkey"))
        self.start(self.valkey)


@pytest.fixture
def servers(base: Path) -> Iterator[Servers]:
    servers = Servers(base)
    try:
        servers.start(servers.valkey)
        servers.start(servers.postgres)
        migrate(servers.postgres.dsn)
        yield servers
    finally:
        servers.valkey.stop()
        servers.postgres.stop()


@pytest.fixture
def given(servers: Servers) -> Settings:
    return settings(servers.postgres.dsn, servers.valkey.consumer_url)


@pytest.fixture
def worker(servers: Servers) -> Iterator[Worker]:
    worker = Worker(servers.valkey.url, servers.postgres.dsn)
    yield worker
    worker.close()


def test_killed_servers_are_met_again(servers: Servers, given: Settings, worker: Worker) -> None:
    with consuming(given):
        for server in (servers.postgres, servers.valkey, servers.postgres):
            worker.fill(20)
            servers.restart(server)
            worker.client.close()
            worker.fill(20)
        worker.wait_settled()
        worker.verify_empty()
    worker.verify()


def test_a_restarted_stream_is_read_again_and_counted_once(
    servers: Servers, given: Settings, worker: Worker
) -> None:
    keep = given.model_copy(update={"stream_keep_s": 3600})
    with consuming(keep):
        worker.fill(30)
        worker.wait_settled()
        before = worker.fates()
        servers.restart(servers.valkey)
        worker.client.close()
        worker.append(0, batch(5))
        worker.append(1, batch(5))
        worker.wait_settled()
        assert worker.fates() == before + Counter(stored=10)
    worker.verify()


def test_a_replaced_stream_goes_on_behind_the_position(
    servers: Servers, given: Settings, worker: Worker
) -> None:
    with consuming(given):
        worker.fill(10)
        worker.wait_settled()
        servers.replace_valkey()
        worker.client.close()
        until(lambda: worker.client.exists(*map(stream_key, range(SHARDS))) == SHARDS, 20, "made")
        worker.fill(10)
        worker.wait_settled()
    stored = worker.query("SELECT count(*), count(DISTINCT event_id) FROM event")
    assert stored == [(len(worker.ids), len(worker.ids))]


def test_entries_below_the_position_of_another_server_are_found(
    servers: Servers, given: Settings, worker: Worker
) -> None:
    with consuming(given):
        worker.fill(4)
        worker.wait_settled()
    servers.replace_valkey()
    worker.client.close()
    for shard in range(SHARDS):
        worker.client.xgroup_create(stream_key(shard), "make", mkstream=True)
        worker.client.execute_command("XSETID", stream_key(shard), "5-0")  # type: ignore[no-untyped-call]
    below = batch(7)
    worker.append_at(0, "5-1", below)
    with consuming(given):
        until(lambda: worker.fates()["stored"] == len(worker.ids), 20, "the old id is stored")
        assert worker.append(0, batch(3))[0] > "1"
        until(lambda: worker.fates()["stored"] == len(worker.ids), 20, "the new one too")
    stored = worker.query("SELECT count(*), count(DISTINCT event_id) FROM event")
    assert stored == [(len(worker.ids), len(worker.ids))]


def test_entries_below_the_position_stay_in_the_stream_until_they_are_stored(
    servers: Servers, given: Settings, worker: Worker
) -> None:
    with consuming(given):
        worker.fill(4)
        worker.wait_settled()
    servers.replace_valkey()
    worker.client.close()
    for shard in range(SHARDS):
        worker.client.xgroup_create(stream_key(shard), "make", mkstream=True)
        worker.client.execute_command("XSETID", stream_key(shard), "5-0")  # type: ignore[no-untyped-call]
    worker.append_at(0, "5-1", batch(7))
    with psycopg.connect(servers.postgres.dsn) as other:
        other.execute("LOCK TABLE event")
        child = Child(given)
        child.wait_ready()
        until(lambda: waits_for_lock(worker), 20, "the consumer has read the entry")
        time.sleep(1)  # a few times as long as from one trim to the next
        child.end()
    with consuming(given):
        until(lambda: worker.fates()["stored"] == len(worker.ids), 20, "the old id is stored")


def waits_for_lock(worker: Worker) -> bool:
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ '^COPY'"
    return bool(worker.query(waiting))


def test_ended_backends_are_replaced(servers: Servers, given: Settings, worker: Worker) -> None:
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'ingest %' AND pid <> pg_backend_pid()"
    )
    with consuming(given), psycopg.connect(servers.postgres.superuser_dsn, autocommit=True) as root:
        for _ in range(10):
            worker.fill(10)
            root.execute(end)
        worker.wait_settled()
    worker.verify()


def test_a_locked_table_is_waited_for(servers: Servers, given: Settings, worker: Worker) -> None:
    with consuming(given):
        worker.append(0, batch(5))
        worker.wait_settled()
        with psycopg.connect(servers.postgres.dsn) as other:
            other.execute("LOCK TABLE event")
            worker.fill(10)
            time.sleep(5)  # longer than a statement waits for a lock
            assert worker.client.xlen(stream_key(0)) > 0
        worker.wait_settled()
    worker.verify()


def test_what_a_person_must_mend_is_waited_for(given: Settings, worker: Worker) -> None:
    with consuming(given):
        worker.append(0, batch(5))
        worker.wait_settled()
        worker.execute("ALTER TABLE event RENAME TO event_away")
        worker.fill(10)
        until(lambda: is_held(worker), 10, "entries are held")
        worker.execute("ALTER TABLE event_away RENAME TO event")
        worker.wait_settled()
    worker.verify()


def test_a_password_that_is_refused_is_waited_for(
    servers: Servers, given: Settings, worker: Worker
) -> None:
    refuse, allow = ("ALTER ROLE ingest NOLOGIN", "ALTER ROLE ingest LOGIN")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ingest'"
    valkey = connect(servers.valkey.url, name="test")
    with consuming(given), psycopg.connect(servers.postgres.superuser_dsn, autocommit=True) as root:
        worker.append(0, batch(5))
        worker.wait_settled()
        root.execute(refuse)
        root.execute(end)
        worker.fill(10)
        time.sleep(2)  # it is refused a few times
        assert is_held(worker)
        root.execute(allow)
        worker.wait_settled()
        valkey.acl_setuser("consumer", enabled=False)
        valkey.client_kill_filter(user="consumer")
        worker.fill(10)
        time.sleep(2)
        assert is_held(worker)
        valkey.acl_setuser("consumer", enabled=True)
        worker.wait_settled()
    valkey.close()
    worker.verify()


@pytest.mark.parametrize(
    "weather", [Weather(delay_s=0.1), Weather(cut_chance=0.05)], ids=["slow", "cut in mid-reply"]
)
def test_a_bad_line_to_both_servers(servers: Servers, worker: Worker, weather: Weather) -> None:
    sockets = servers.postgres.home.socket_dir()
    postgres, valkey = Link(sockets / POSTGRES_SOCKET), Link(servers.valkey.socket)
    user, operator = urlsplit(servers.postgres.dsn), urlsplit(servers.valkey.url)
    given = settings(
        f"postgresql://{user.username}:{user.password}@127.0.0.1:{postgres.port}{user.path}",
        f"redis://{operator.username}:{operator.password}@127.0.0.1:{valkey.port}",
    )
    try:
        with consuming(given):
            worker.append(0, batch(5))
            worker.wait_settled()
            postgres.weather = valkey.weather = weather
            for _ in range(5):
                worker.fill(10)
                time.sleep(1)
            postgres.weather = valkey.weather = Weather()
            worker.wait_settled()
            worker.verify_empty()
    finally:
        postgres.close()
        valkey.close()
    worker.verify()


def is_held(worker: Worker) -> bool:
    return all(worker.client.xlen(stream_key(shard)) > 0 for shard in range(SHARDS))


def test_a_consumer_waits_for_servers_that_are_not_there_yet(
    servers: Servers, given: Settings, worker: Worker
) -> None:
    with consuming(given):
        worker.append(0, batch(5))
        worker.wait_settled()
    servers.postgres.stop()
    with pytest.raises(AssertionError, match="not ready"), consuming(given, ready_s=1.5):
        pass
    servers.start(servers.postgres)
    with consuming(given):
        worker.append(1, batch(5))
        worker.wait_settled()
    worker.verify()
