"""A real Prometheus that scrapes a running system: what dashboards and alerts ask has an answer."""

from __future__ import annotations

import json
import re
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests import prometheus
from tests.docs import pages
from tests.running import INGEST, NO_TLS, Running, directory, event, free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.stack

FOLDER = pages.ROOT / "deploy" / "monitoring"
READY_S, DATA_S = 60.0, 120.0
# Of a system to which nothing bad has happened these have no series yet.
MAY_BE_EMPTY = {
    ("worker-health.json", "Retries and restarts"),
    ("api.json", "Quota not checked"),
}


# What promtool exits with when it reads all and would have named something otherwise.
LINT = 3
LIKES = re.compile(r'use base unit "seconds" instead of "days"$')


class Prometheus:
    """One server on a free port, asked over its own API."""

    def __init__(self, stack: Running, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        (folder / "token").write_text(stack.run.admin_token)
        text = (FOLDER / "prometheus.yml").read_text()
        text = text.replace("/run/secrets/admin-token", "token").replace(": 15s", ": 1s")
        text = text.replace("admin:8081", stack.run.admin_url.removeprefix("http://"))
        (folder / "prometheus.yml").write_text(text)
        (folder / "alerts.yml").write_text((FOLDER / "alerts.yml").read_text())
        self.command = [
            prometheus.program("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--log.level=warn",
        ]

    def ask(self, path: str, **query: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=query, verify=NO_TLS).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def values(self, expression: str) -> list[Any]:
        found: list[Any] = self.ask("query", query=expression)["result"]
        return found

    def is_scraping(self) -> bool:
        try:
            targets = self.ask("targets")["activeTargets"]
        except (httpx.HTTPError, ValueError):  # while it starts it answers with plain text
            return False
        return [target["health"] for target in targets] == ["up"]


@pytest.fixture(scope="module")
def stack() -> Iterator[Running]:
    """A system of this module alone: what others do to theirs would be told here, too."""
    with directory() as path, Running(path / "data") as running:
        yield running


@pytest.fixture(scope="module")
def server(stack: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the stack while all kinds of requests came."""
    server = Prometheus(stack, tmp_path_factory.mktemp("prometheus"))
    process = subprocess.Popen(server.command)
    try:
        until(server.is_scraping, READY_S, "scraping")
        until(partial(has_seen_all, server, stack), DATA_S, "every counter moved")
        yield server
    finally:
        process.terminate()
        process.wait(READY_S)


def has_seen_all(server: Prometheus, stack: Running) -> bool:
    """Send one request of each kind; a rate needs two scrapes of a series."""
    again = str(uuid4())
    for _ in range(2):
        assert stack.post(event(event_id=again), event()).status_code == 202
    assert stack.post(event(event_type="none")).status_code == 422
    key = {"X-Api-Key": stack.run.api_key}
    httpx.post(f"{stack.run.url}/v1/events", content=b"{", headers=key, verify=NO_TLS)
    time.sleep(0.5)
    return all(server.values(f"sum(rate({name}[20s])) > 0") for name in MOVED)


MOVED = (
    "ingest_events_accepted_total",
    'ingest_events_settled_total{fate="stored"}',
    'ingest_events_settled_total{fate="duplicates"}',
    "ingest_events_rejected_total",
    "ingest_requests_refused_total",
    "ingest_process_cpu_seconds_total",
)


def panels() -> list[tuple[str, str, str]]:
    return [
        (name, panel["title"], target["expr"])
        for name in ("worker-health.json", "api.json")
        for panel in json.loads((FOLDER / name).read_text())["panels"]
        for target in panel["targets"]
    ]


@pytest.mark.parametrize(("name", "title", "expression"), panels())
def test_each_query_of_the_dashboards_has_data(
    server: Prometheus, name: str, title: str, expression: str
) -> None:
    found = server.values(expression.replace("$__rate_interval", "30s"))
    assert found or (name, title) in MAY_BE_EMPTY
    assert all(float(one["value"][1]) >= 0 for one in found)


def rules(server: Prometheus) -> list[dict[str, Any]]:
    (group,) = server.ask("rules")["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def firing(server: Prometheus) -> set[str]:
    return {rule["name"] for rule in rules(server) if rule["state"] == "firing"}


def test_every_rule_is_evaluated_and_none_fires(server: Prometheus) -> None:
    until(lambda: all(rule["health"] == "ok" for rule in rules(server)), READY_S, "evaluated")
    assert firing(server) == set()


def test_a_dead_letter_of_a_live_system_fires_until_it_is_dropped(
    server: Prometheus, stack: Running
) -> None:
    with psycopg.connect(stack.run.dsn, autocommit=True) as owner:
        owner.execute("ALTER TABLE event ADD CONSTRAINT none CHECK (user_id <> 'x') NOT VALID")
        assert stack.post(event(user_id="x")).status_code == 202
        until(lambda: firing(server) == {"IngestDeadLetters"}, DATA_S, "the alert")
        owner.execute("ALTER TABLE event DROP CONSTRAINT none")
    command = [*INGEST, "deadletter", "drop", "--all", "--yes", "--data", str(stack.data)]
    subprocess.run(command, check=True)
    until(lambda: firing(server) == set(), DATA_S, "the end of the alert")


def test_promtool_reads_the_metrics_and_finds_little_to_say(stack: Running) -> None:
    bearer = {"Authorization": f"Bearer {stack.run.admin_token}"}
    text = httpx.get(f"{stack.run.admin_url}/metrics", headers=bearer, verify=NO_TLS).text
    command = [prometheus.program("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode in {0, LINT}, done.stderr
    assert [line for line in done.stderr.splitlines() if not LIKES.search(line)] == []
