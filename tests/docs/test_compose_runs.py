"""The parts of docker-compose.yml, run by its own commands, environment and files, but no engine.

What differs is where they listen: names of services become loopback ports, PostgreSQL's a socket.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from ingest.local import wheels
from ingest.stream.connection import connect

from tests.docs import compose, pages
from tests.running import event, free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ingest.local.postgres import EmbeddedPostgres

START_S, STOP_S, STORED_S = 30.0, 30.0, 20.0
PATH = "/usr/bin:/bin"
ANYWHERE = "0.0.0.0"  # noqa: S104 - what a container listens on
PORTS = ("valkey:6379", "worker-0:8080", "worker-1:8080", "admin:8081", "edge:8080")

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return compose.secrets(tmp_path_factory.mktemp("env"))


@pytest.fixture(scope="module")
def at() -> dict[str, int]:
    """The loopback port in the place of each name and port."""
    return {name: free_port() for name in PORTS}


@pytest.fixture(scope="module")
def valkey(
    secrets: dict[str, str], at: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A Valkey started by the mounted files; the operator's URL."""
    folder, port = tmp_path_factory.mktemp("valkey"), at["valkey:6379"]
    text = pages.page("deploy/compose/valkey.conf").replace("dir /data", f"dir {folder}")
    text = text.replace("port 6379", f"port {port}\nbind 127.0.0.1")
    (folder / "valkey.conf").write_text(text)
    script = pages.page("deploy/compose/valkey-start.sh")
    script = script.replace("/etc/ingest/valkey.conf", str(folder / "valkey.conf"))
    env = secrets | {"PATH": f"{wheels.VALKEY.folder_for(None)}:{PATH}"}
    url = f"redis://operator:{secrets['VALKEY_OPERATOR_PASSWORD']}@127.0.0.1:{port}"
    with running(["sh", "-c", script], env):
        until(lambda: listens(port), START_S, "Valkey")
        yield url


@pytest.fixture(scope="module")
def database(postgres: EmbeddedPostgres, secrets: dict[str, str]) -> Iterator[Mapping[str, str]]:
    """The roles and the database of the mounted script, under other names; what to replace."""
    with psycopg.connect(postgres.superuser_dsn, autocommit=True) as connection:
        host, password = connection.info.host, connection.info.password
        env = {
            "PATH": str(Path(postgres.program("psql")).parent),
            "POSTGRES_USER": "postgres",
            "PGHOST": host,
            "PGPASSWORD": password,
        }
        script = pages.page("deploy/compose/postgres-roles.sh").replace("ingest", "composed")
        subprocess.run(["/bin/sh", "-c", script], env=secrets | env, check=True)
        yield {
            "//ingest:": "//composed:",
            "//ingest_worker:": "//composed_worker:",
            "@postgres/ingest": f"@/composed?host={host}",
        }
        connection.execute("DROP DATABASE composed WITH (FORCE)")
        connection.execute("DROP ROLE composed_worker, composed")


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=env)
    try:
        yield
    finally:
        process.terminate()
        process.wait(STOP_S)


def listens(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=1)
    except httpx.ConnectError:
        return False
    except httpx.HTTPError:
        return True
    return True


def test_valkey_is_durable_and_has_its_users(valkey: str) -> None:
    client = connect(valkey, name="test")
    found = client.config_get("append*", "maxmemory-policy")
    users = {user.split()[1]: user for user in client.acl_list()}
    client.close()
    assert found["appendonly"] == "yes"
    assert found["appendfsync"] == "always"
    assert found["maxmemory-policy"] == "noeviction"
    assert users.keys() == {"default", "operator", "consumer", "worker"}
    assert " off " in users["default"]


def test_postgres_knows_its_options(postgres: EmbeddedPostgres) -> None:
    command = compose.SERVICES["postgres"]["command"]
    names = [option.partition("=")[0] for option in command[2::2]]
    with psycopg.connect(postgres.superuser_dsn) as connection:
        found = connection.execute("SELECT name FROM pg_settings WHERE name = ANY(%s)", (names,))
        assert {name for (name,) in found} == set(names)


def edge(folder: Path, at: Mapping[str, int], secret: str) -> list[str]:
    """Write the edge's configuration and give its command; nginx tests it first."""
    text = pages.page("deploy/compose/edge.conf.template").replace("${EDGE_SECRET}", secret)
    for name, port in at.items():
        text = text.replace(f"server {name} resolve", f"server 127.0.0.1:{port}")
    text = text.replace("listen 8080", f"listen 127.0.0.1:{at['edge:8080']}")
    text = text.replace("127.0.0.1:8081;", f"127.0.0.1:{at['admin:8081']};")
    folder.chmod(0o711)
    (folder / "temp").mkdir()
    (folder / "temp").chmod(0o777)  # as root, nginx's workers are another account
    (folder / "edge.conf").write_text(text)
    program = str(wheels.NGINX.folder_for(None) / "nginx")
    command = [program, "-p", f"{folder}/", "-c", "edge.conf", "-e", "stderr"]
    subprocess.run([*command, "-t", "-q"], check=True)
    return command


def test_nginx_takes_the_edges_configuration_as_it_is(tmp_path: Path) -> None:
    text = pages.page("deploy/compose/edge.conf.template").replace("${EDGE_SECRET}", "0123abc")
    (tmp_path / "temp").mkdir()
    (tmp_path / "edge.conf").write_text(text)
    program = str(wheels.NGINX.folder_for(None) / "nginx")
    command = [program, "-t", "-q", "-p", f"{tmp_path}/", "-c", "edge.conf", "-e", "stderr"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""


@pytest.mark.usefixtures("valkey")
def test_the_parts_together_store_an_event(
    tmp_path: Path, secrets: dict[str, str], at: dict[str, int], database: Mapping[str, str]
) -> None:
    moved = dict(database) | {name: f"127.0.0.1:{port}" for name, port in at.items()}

    def service(name: str) -> tuple[list[str], dict[str, str]]:
        of = compose.OURS[name]
        env = {
            key: replaced(compose.filled(value, secrets), moved)
            for key, value in of["environment"].items()
        }
        own = {"PATH": PATH, "INGEST_ADMIN_PORT": str(at["admin:8081"])}
        names = {ANYWHERE: "127.0.0.1", "ingest_worker": "composed_worker"}
        names["8080"] = str(at.get(f"{name}:8080", ""))
        command = [names.get(word, word) for word in of["command"]]
        return [sys.executable, "-m", "ingest.cli", *command], env | own

    command, env = service("migrate")
    subprocess.run(command, env=env, check=True)
    with ExitStack() as parts:
        for name in ("consumer", "worker-0", "worker-1", "admin"):
            parts.enter_context(running(*service(name)))
        parts.enter_context(running(edge(tmp_path, at, secrets["EDGE_SECRET"]), {}))
        url = f"http://127.0.0.1:{at['edge:8080']}"
        until(lambda: is_well(url), START_S, "edge and workers")
        until(lambda: listens(at["admin:8081"]), START_S, "admin")
        token = {"Authorization": f"Bearer {secrets['ADMIN_TOKEN']}"}
        key = {"X-Api-Key": make_project(tmp_path, url, secrets["ADMIN_TOKEN"])}
        # Each worker learns of a new key by itself, within about a second.
        until(lambda: post(url, key).headers.get("Ingest-Ack") == "fsync", START_S, "a 202")
        owner = f"postgresql://composed:{secrets['POSTGRES_INGEST_PASSWORD']}@postgres/ingest"
        with psycopg.connect(replaced(owner, database), autocommit=True) as connection:
            until(lambda: count(connection) == 1, STORED_S, "stored")
        parts_told = httpx.get(f"http://127.0.0.1:{at['admin:8081']}/readyz", headers=token).json()
        assert parts_told["status"] == "ok", parts_told


def make_project(folder: Path, url: str, token: str) -> str:
    """Make a project by the line of the page, beside a .env; gives its key."""
    (folder / ".env").write_text(f"ADMIN_TOKEN={token}\n")
    line = pages.labelled("docs/running.md", "project").text
    line = line.replace("http://127.0.0.1:8080", url)
    done = subprocess.run(["sh", "-euc", line], cwd=folder, capture_output=True, check=True)
    made = json.loads(done.stdout)
    assert made["plan"] == "unlimited", made
    return str(made["api_key"])


def replaced(text: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def is_well(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def post(url: str, key: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{url}/v1/events", json=event(), headers=key)


def count(connection: psycopg.Connection[tuple[int]]) -> int:
    row = connection.execute("SELECT count(*) FROM event").fetchone()
    return row[0] if row else 0
