"""`ingest up` on one machine: start, stop, start again, and what it refuses to start on."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from ingest.local import account as accounts
from ingest.local.account import Account
from ingest.local.data_dir import SHARED, SHORT_ROOT, DataDir
from ingest.local.postgres import EmbeddedPostgres
from ingest.local.valkey import EmbeddedValkey
from psycopg.conninfo import make_conninfo

from tests import databases
from tests.running import INGEST, Running, event, free_port, until

pytestmark = pytest.mark.stack

FIELDS = ["url", "admin_url", "admin_token", "api_key", "dsn", "valkey_url", "version", "pids"]
PROCESSES = {
    *("edge", "worker-0", "worker-1", "consumer-0", "consumer-1"),
    *("valkey", "postgres", "admin"),
}
RUN_USER = "nobody"
SOON_S = 5.0


def test_run_json_says_how_to_reach_it(stack: Running) -> None:
    file = stack.data / "run.json"
    assert list(json.loads(file.read_text())) == FIELDS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(stack.run.pids) == PROCESSES
    assert all(psutil.pid_exists(pid) for pid in stack.run.pids.values())


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's scheduler")
def test_only_valkey_interrupts_others_when_it_wakes(stack: Running) -> None:
    kinds = {
        name: {os.sched_getscheduler(thread.id) for thread in psutil.Process(pid).threads()}
        for name, pid in stack.run.pids.items()
    }
    assert kinds.pop("valkey") == {os.SCHED_OTHER}
    assert set(map(frozenset, kinds.values())) == {frozenset({os.SCHED_BATCH})}


def test_secrets_are_readable_by_the_owner_alone(stack: Running) -> None:
    for name in ("key", "run.json", "credentials.json", "children.json", "pgpass", "lock"):
        assert stat.S_IMODE((stack.data / name).stat().st_mode) == 0o600, name
    for path in stack.data.rglob("*.sock"):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, path


def test_nothing_secret_is_in_arguments_or_logs(stack: Running) -> None:
    assert stack.post(event()).status_code == 202
    secrets = [*json.loads((stack.data / "credentials.json").read_text()).values()]
    secrets.append(stack.run.api_key)
    seen = stack.logs() + "".join(" ".join(child.cmdline()) for child in stack.children)
    assert not [secret for secret in secrets if secret in seen]


def test_an_event_is_stored_and_stays_over_a_restart(base: Path) -> None:
    running = Running(base / "data")
    with running:
        first = running.post(event()).json()["event_ids"]
        key, token = running.run.api_key, running.run.admin_token
        assert running.stop(signal.SIGINT) == 0
    assert not (base / "data" / "run.json").exists()
    with running:
        assert (running.run.api_key, running.run.admin_token) == (key, token)
        second = running.post(event()).json()["event_ids"]
        until(lambda: len(running.stored()) == 2, 10, "both events stored")
        assert set(running.stored()) == {*first, *second}


def test_a_lone_event_is_stored_within_50_ms_of_its_202(stack: Running) -> None:
    waits = []
    query = "SELECT FROM event WHERE event_id = %s"
    with psycopg.connect(stack.run.dsn, autocommit=True) as client:
        for _ in range(15):
            ids = stack.post(event()).json()["event_ids"]
            acknowledged = time.monotonic()
            while client.execute(query, ids).fetchone() is None:
                assert time.monotonic() - acknowledged < SOON_S, "stored"
                time.sleep(0.001)
            waits.append(time.monotonic() - acknowledged)
    assert statistics.median(waits) < 0.05, waits


def test_the_printed_lines_work_when_pasted(stack: Running) -> None:
    lines = stack.output.read_text().splitlines()
    curl = next(line for line in lines if line.startswith("  curl"))
    psql = next(line for line in lines if "psql" in line)
    assert stack.run.api_key not in "\n".join(lines)
    assert json.loads(_bash(curl))["accepted"] == 1
    until(lambda: "https://example.com/" in _bash(psql), 10, "psql shows the event")


def test_status_and_check_are_content(stack: Running) -> None:
    status = _ingest("status", "--json", "--data", str(stack.data))
    assert status.returncode == 0, status.stderr
    told = json.loads(status.stdout)
    assert {process["name"] for process in told["processes"]} == PROCESSES
    assert told["fault"] is None
    check = _ingest("check", "--data", str(stack.data))
    assert check.returncode == 0, check.stdout


def test_stop_drains_from_another_terminal(base: Path) -> None:
    with Running(base / "data") as running:
        stopped = _ingest("stop", "--data", str(running.data))
        assert (stopped.returncode, running.supervisor.wait(5)) == (0, 0), stopped.stderr
    again = _ingest("stop", "--data", str(base / "data"))
    assert (again.returncode, "nothing runs" in again.stdout) == (0, True)


def test_a_locked_data_directory_is_refused_by_naming_the_process(stack: Running) -> None:
    second = Running(stack.data)
    second.output = stack.data.parent / "second.out"
    second.spawn()
    assert second.supervisor.wait(30) == 1
    (line,) = second.output.read_text().splitlines()
    assert f"in use by process {stack.supervisor.pid}" in line
    assert stack.post(event()).status_code == 202


@pytest.mark.parametrize(("taken", "flag"), [("port", "--port"), ("admin_port", "--admin-port")])
def test_a_taken_port_is_told_before_anything_starts(base: Path, taken: str, flag: str) -> None:
    running = Running(base / "data")
    with socket.create_server(("127.0.0.1", getattr(running, taken))):
        running.spawn()
        assert running.supervisor.wait(30) == 2
    (line,) = running.output.read_text().splitlines()
    assert f"port {getattr(running, taken)}" in line
    assert flag in line
    assert not (base / "data" / "servers" / "postgres").exists()


def test_a_certificate_that_is_not_there_is_told_before_anything_starts(base: Path) -> None:
    files = {"INGEST_TLS_CERTIFICATE": str(base / "no.pem"), "INGEST_TLS_KEY": str(base / "no.key")}
    running = Running(base / "data", env=files)
    running.spawn()
    assert running.supervisor.wait(30) == 2
    told = running.output.read_text().splitlines()
    assert [line.rpartition("tls_")[2].split(":")[0] for line in told] == ["certificate", "key"]
    assert not (base / "data" / "servers" / "postgres").exists()


def test_a_path_with_spaces_and_quotes(base: Path) -> None:
    with Running(base / "my \"data\" [1] and 'more'?") as running:
        assert running.post(event()).status_code == 202
        until(lambda: len(running.stored()) == 1, 10, "stored")


def test_a_long_path_leaves_no_sockets_behind(base: Path) -> None:
    with Running(base / ("d" * 120)) as running:
        assert running.post(event()).status_code == 202
        sockets = Path(running.run.valkey_url.partition("@")[2]).parent
        assert sockets.parent == SHORT_ROOT
    assert not sockets.exists()


def test_data_of_another_major_version_is_refused(base: Path) -> None:
    home = DataDir(base / "data")
    EmbeddedPostgres(home).prepare()
    (home.servers / "postgres" / "PG_VERSION").write_text("17\n")
    home.release()
    running = Running(base / "data")
    running.spawn()
    assert running.supervisor.wait(30) == 1
    last = running.output.read_text().splitlines()[-1]
    assert "PostgreSQL 17" in last
    assert "this is 18" in last


def test_missing_credentials_are_named(base: Path) -> None:
    home = DataDir(base / "data")
    EmbeddedPostgres(home).prepare()
    home.credentials_file.unlink()
    home.release()
    running = Running(base / "data")
    running.spawn()
    assert running.supervisor.wait(30) == 1
    last = running.output.read_text().splitlines()[-1]
    assert last.startswith(f"ingest: {home.credentials_file} is missing, and ")
    assert not home.credentials_file.exists()


def test_a_directory_that_cannot_be_written_is_refused(base: Path) -> None:
    (base / "file").touch()
    done = _ingest("up", "--data", str(base / "file" / "data"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_database_password_is_one_line(base: Path, postgres: EmbeddedPostgres) -> None:
    dsn = postgres.dsn.replace("ingest:", "ingest:wrong", 1)
    running = Running(base / "data", env={"INGEST_DATABASE_URL": dsn})
    running.spawn()
    assert running.supervisor.wait(60) == 1
    last = running.output.read_text().splitlines()[-1]
    assert "password authentication failed" in last
    assert dsn not in running.output.read_text()


def refused_start(running: Running) -> str:
    """Give the last line of a start that is given up well before start_timeout_s, a minute."""
    running.spawn()
    assert running.supervisor.wait(40) == 1
    return running.output.read_text().splitlines()[-1]


def test_another_number_of_shards_is_told_at_once(base: Path) -> None:
    with Running(base / "data"):
        pass
    last = refused_start(Running(base / "data", env={"INGEST_SHARDS": "8"}))
    assert re.match(r"ingest: consumer-\d can't start: .* 4 shards .* says 8", last)


def test_a_wrong_password_of_valkey_is_told_at_once(
    base: Path, postgres: EmbeddedPostgres, valkey: EmbeddedValkey
) -> None:
    with databases.empty(postgres) as dsn:
        env = {"INGEST_DATABASE_URL": dsn, "INGEST_VALKEY_URL": valkey.url.replace("@", "x@", 1)}
        last = refused_start(Running(base / "data", env=env))
        with psycopg.connect(dsn) as connection:
            keys = connection.execute("SELECT count(*) FROM api_key").fetchone()
        assert keys == (0,), "a start that failed has made no key"
    assert re.match(
        r"ingest: consumer-\d can't start: Valkey: invalid username-password pair", last
    )


def test_a_wrong_password_of_the_workers_is_told_at_once(
    base: Path, postgres: EmbeddedPostgres
) -> None:
    with databases.empty(postgres) as dsn:
        wrong = make_conninfo(dsn, password="wrong")
        env = {"INGEST_DATABASE_URL": dsn, "INGEST_WORKER_DATABASE_URL": wrong}
        last = refused_start(Running(base / "data", env=env))
    assert re.match(r"ingest: worker-\d can't start: .*password authentication failed", last)


def test_a_slow_start_says_what_it_waits_for(base: Path, postgres: EmbeddedPostgres) -> None:
    with databases.empty(postgres) as dsn:
        gone = f"redis://127.0.0.1:{free_port()}"
        running = Running(
            base / "data", env={"INGEST_DATABASE_URL": dsn, "INGEST_VALKEY_URL": gone}
        )
        running.spawn()
        told = re.compile(r"^starting consumers: consumer-\d: .*Valkey", re.MULTILINE)
        until(lambda: told.search(running.output.read_text()), 20, "the reason")
        assert running.stop() == 130


def test_as_an_ordinary_user(base: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    account = accounts.for_servers(RUN_USER)
    assert account is not None
    python = _python_for(account, base / "python")
    (base / "home").mkdir()
    account.own(base / "home")
    env = {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "LD_LIBRARY_PATH": str(base / "python" / "lib"),
        "HOME": "/",
    }
    running = Running(base / "home" / "data", user=RUN_USER, env=env, python=python)
    running.output = base / "out"
    with running:
        assert running.post(event()).status_code == 202
        assert {child.username() for child in running.children} == {RUN_USER}


def test_a_home_that_the_servers_cannot_walk_into(base: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root lends another account to the servers")
    home = base / "home"
    home.mkdir(mode=0o700)
    with Running(home / "data") as running:
        assert running.post(event()).status_code == 202
        target = (running.data / "servers").resolve()
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert target.parent == SHARED
    shutil.rmtree(target)


def test_servers_that_already_run_are_used(base: Path) -> None:
    home = DataDir(base / "servers")
    servers = (EmbeddedPostgres(home), EmbeddedValkey(home))
    for server in servers:
        server.prepare()
        server.start()
        server.wait_ready(60)
    postgres, valkey = servers
    env = {"INGEST_DATABASE_URL": postgres.dsn, "INGEST_VALKEY_URL": valkey.url}
    try:
        with Running(base / "data", env=env) as running:
            assert set(running.run.pids) == PROCESSES - {"postgres", "valkey"}
            ids = running.post(event()).json()["event_ids"]
            until(lambda: set(ids) <= set(running.stored()), 10, "stored")
        assert None not in {server.pid for server in servers}
    finally:
        for server in servers:
            server.stop()


def _python_for(account: Account, where: Path) -> str:
    """Give this very interpreter at a path that the account can reach: a copy if it must be."""
    program = Path(sys.executable).resolve()
    if account.reaches(program.parent):
        return str(program)
    unused = shutil.ignore_patterns("site-packages", "test", "include", "share", "__pycache__")
    shutil.copytree(sys.base_prefix, where, symlinks=True, ignore=unused)
    return str(where / program.relative_to(sys.base_prefix))


def _bash(line: str) -> str:
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    return done.stdout


def _ingest(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*INGEST, *arguments], capture_output=True, text=True, check=False, timeout=90
    )
