"""The parts of docker-compose.yml, run by its own commands, environment and files, but no engine.

What differs is where they listen: names of services become loopback ports, PostgreSQL's a socket.
"""

from __future__ import annotations

import json
import signal
import ssl
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

from tests import certificates
from tests.docs import compose, pages
from tests.running import event, free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ingest.local.postgres import EmbeddedPostgres

START_S, STOP_S, STORED_S = 30.0, 30.0, 20.0
PATH = "/usr/bin:/bin"
ANYWHERE = "0.0.0.0"  # noqa: S104 - what a container listens on
HOSTS = "INGEST_ADMIN_HOSTS"
EDGE_FILES = ("edge.conf", "listen.conf", "listen-tls.conf")
PORTS = (
    *("valkey:6379", "worker-0:8080", "worker-1:8080", "consumer-0:8082", "consumer-1:8082"),
    *("admin:8081", "edge:8080", "edge:8079"),
)

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


def edge(folder: Path, at: Mapping[str, int], environment: Mapping[str, str]) -> list[str]:
    """Fill in the templates of the edge and give its command; nginx tests them first."""
    port = at["edge:8080"]
    moved = {f"server {name} resolve": f"server 127.0.0.1:{at[name]}" for name in at}
    moved["127.0.0.1:8081;"] = f"127.0.0.1:{at['admin:8081']};"
    moved["listen 8080"] = f"listen 127.0.0.1:{port}"
    moved["127.0.0.1:8079"] = f"127.0.0.1:{at['edge:8079']}"
    moved["/run/tls/"] = f"{folder}/tls/"
    folder.chmod(0o711)
    (folder / "temp").mkdir()
    (folder / "temp").chmod(0o777)  # as root, nginx's workers are another account
    for name in EDGE_FILES:
        (folder / name).write_text(replaced(compose.templated(name, environment), moved))
    command = nginx(folder)
    subprocess.run([*command, "-t", "-q"], check=True)
    return command


def nginx(folder: Path) -> list[str]:
    program = str(wheels.NGINX.folder_for(None) / "nginx")
    return [program, "-p", f"{folder}/", "-c", "edge.conf", "-e", "stderr"]


@pytest.fixture
def tls(tmp_path: Path, secrets: dict[str, str]) -> dict[str, str]:
    """Name a certificate made for this test; the edge's environment."""
    (tmp_path / "tls").mkdir()
    certificates.make(tmp_path / "tls" / "full.pem", tmp_path / "tls" / "key.pem")
    named = {"TLS_CERTIFICATE": "full.pem", "TLS_KEY": "key.pem"}
    return compose.environment("edge", secrets | named)


def test_nginx_takes_the_edges_configuration_as_it_is(
    tmp_path: Path, secrets: dict[str, str]
) -> None:
    (tmp_path / "temp").mkdir()
    environment = compose.environment("edge", secrets)
    for name in EDGE_FILES:
        (tmp_path / name).write_text(compose.templated(name, environment))
    done = subprocess.run([*nginx(tmp_path), "-t", "-q"], capture_output=True, check=True)
    assert done.stderr == b""


def test_the_edge_speaks_tls_and_takes_a_renewed_certificate_at_a_reload(
    tmp_path: Path, at: dict[str, int], tls: dict[str, str]
) -> None:
    certificate, port = tmp_path / "tls" / "full.pem", at["edge:8080"]
    process = subprocess.Popen(edge(tmp_path, at, tls))
    try:
        until(lambda: listens(port), START_S, "the edge")
        assert is_served_with(certificate, port)
        told = httpx.get(f"http://127.0.0.1:{port}/health")
        assert (told.status_code, told.json()["code"]) == (400, "tls_required")
        renew(certificate, tmp_path / "tls" / "key.pem")
        assert not is_served_with(certificate, port)
        process.send_signal(signal.SIGHUP)
        until(lambda: is_served_with(certificate, port), STOP_S, "the renewed certificate")
    finally:
        process.terminate()
        process.wait(STOP_S)


def renew(certificate: Path, key: Path) -> None:
    """Replace the files: one that was written again within a second is no other for nginx."""
    made = certificate.with_suffix(".new"), key.with_suffix(".new")
    certificates.make(*made)
    made[0].replace(certificate)
    made[1].replace(key)


def is_served_with(certificate: Path, port: int) -> bool:
    """Ask for a page that nobody has, trusting this certificate alone."""
    context = ssl.create_default_context(cafile=certificate)
    try:
        told = httpx.get(f"https://localhost:{port}/none", verify=context)
    except httpx.ConnectError:
        return False
    return (told.status_code, told.json()["code"]) == (404, "not_found")


@pytest.mark.usefixtures("valkey")
def test_the_parts_together_store_an_event(
    tmp_path: Path, secrets: dict[str, str], at: dict[str, int], database: Mapping[str, str]
) -> None:
    moved = dict(database) | {name: f"127.0.0.1:{port}" for name, port in at.items()}

    def service(name: str) -> tuple[list[str], dict[str, str]]:
        of = compose.OURS[name]
        env = compose.environment(name, secrets)
        env = {key: env[key] if key == HOSTS else replaced(env[key], moved) for key in env}
        own = {"PATH": PATH, "INGEST_ADMIN_PORT": str(at["admin:8081"])}
        names = {ANYWHERE: "127.0.0.1", "ingest_worker": "composed_worker"}
        names |= {port: str(at.get(f"{name}:{port}", "")) for port in ("8080", "8082")}
        command = [names.get(word, word) for word in of["command"]]
        return [sys.executable, "-m", "ingest.cli", *command], env | own

    command, env = service("migrate")
    subprocess.run(command, env=env, check=True)
    with ExitStack() as parts:
        for name in ("consumer-0", "consumer-1", "worker-0", "worker-1", "admin"):
            parts.enter_context(running(*service(name)))
        parts.enter_context(running(edge(tmp_path, at, compose.environment("edge", secrets)), {}))
        url = f"http://127.0.0.1:{at['edge:8080']}"
        until(lambda: is_well(url), START_S, "edge and workers")
        asked = is_healthy().replace("127.0.0.1:8080", f"127.0.0.1:{at['edge:8080']}")
        subprocess.run(["sh", "-euc", asked], env={"PATH": PATH, "EDGE_TLS": ""}, check=True)
        until(lambda: listens(at["admin:8081"]), START_S, "admin")
        token = {"Authorization": f"Bearer {secrets['ADMIN_TOKEN']}"}
        key = {"X-Api-Key": make_project(tmp_path, url, secrets["ADMIN_TOKEN"])}
        # Each worker learns of a new key by itself, within about a second.
        until(lambda: post(url, key).headers.get("Ingest-Ack") == "fsync", START_S, "a 202")
        owner = f"postgresql://composed:{secrets['POSTGRES_INGEST_PASSWORD']}@postgres/ingest"
        with psycopg.connect(replaced(owner, database), autocommit=True) as connection:
            until(lambda: count(connection) == 1, STORED_S, "stored")
        token["Host"] = compose.OURS["admin"]["environment"][HOSTS]
        parts_told = httpx.get(f"http://127.0.0.1:{at['admin:8081']}/readyz", headers=token).json()
        assert parts_told["status"] == "ok", parts_told
        assert httpx.get(f"{url}/none").status_code == httpx.codes.NOT_FOUND
        refused = 'ingest_requests_refused_total{code="not_found",process="admin"}'
        metrics = f"http://127.0.0.1:{at['admin:8081']}/metrics"
        until(lambda: refused in httpx.get(metrics, headers=token).text, STORED_S, "counted")


def is_healthy() -> str:
    """Give the line by which the edge's health is asked for."""
    shell, line = compose.SERVICES["edge"]["healthcheck"]["test"]
    assert shell == "CMD-SHELL"
    return str(line).replace("$$", "$")


def test_the_edges_health_is_asked_for_over_tls_when_it_speaks_that() -> None:
    line = is_healthy().replace("curl -fsSko /dev/null", "echo")
    for tls, scheme in (("", "http"), ("-tls", "https")):
        told = subprocess.check_output(["sh", "-euc", line], env={"PATH": PATH, "EDGE_TLS": tls})
        assert told.decode().strip() == f"{scheme}://127.0.0.1:8080/health"


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
