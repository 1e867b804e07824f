"""Every payload of @octokit/webhooks-examples goes through the system and comes back equal.

Fetches the package itself, into a directory of the test; skips where npm is missing.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import psycopg
import pytest

from tests.docs import pages
from tests.running import Running, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


PACKAGE = "@octokit/webhooks-examples@7.6.1"
EXAMPLE = pages.ROOT / "examples" / "github-webhooks"
PAYLOADS = 726
BATCH = 20
STORED_TIMEOUT_S = 60.0

pytestmark = [pytest.mark.stack, pytest.mark.slow]
Webhook = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked package."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("octokit")
    fetch = [npm, "pack", "--silent", "--ignore-scripts", PACKAGE]
    subprocess.run(fetch, cwd=folder, check=True, timeout=120, env=os.environ)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


@pytest.fixture(scope="module")
def webhooks(package: Path) -> list[Webhook]:
    example = runpy.run_path(str(EXAMPLE / "make_schema.py"))
    found = list(example["webhooks"](package))
    assert len(found) == PAYLOADS
    return found


def test_the_schema_is_what_the_package_gives(package: Path) -> None:
    example = runpy.run_path(str(EXAMPLE / "make_schema.py"))
    assert (EXAMPLE / "schema.toml").read_text(encoding="utf-8") == example["schema"](package)


def test_every_payload_comes_back_equal(webhooks: list[Webhook], base: Path) -> None:
    sent: dict[UUID, Webhook] = {}
    with (
        Running(base / "data", "--schema", str(EXAMPLE / "schema.toml")) as running,
        httpx.Client(headers={"X-Api-Key": running.run.api_key}, timeout=30) as client,
    ):
        for start in range(0, len(webhooks), BATCH):
            batch = webhooks[start : start + BATCH]
            sent |= zip(post(client, running.run.url, batch), batch, strict=True)
        stored = read(running.run.dsn, PAYLOADS)
    assert len(sent) == PAYLOADS
    assert stored.keys() == sent.keys()
    different = [one for one in sent if canonical(stored[one]) != canonical(sent[one])]
    assert [sent[one] for one in different] == []


def canonical(webhook: Webhook) -> str:
    """Write it so that equal JSON values have equal texts: in Python 1, 1.0 and True are equal."""
    return json.dumps(webhook, sort_keys=True)


def post(client: httpx.Client, url: str, batch: list[Webhook]) -> Iterator[UUID]:
    events = [{"event_type": name, "properties": payload} for name, payload in batch]
    answer = client.post(f"{url}/v1/events", json=events)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    assert answer.json()["rejected"] == []
    return map(UUID, answer.json()["event_ids"])


def read(dsn: str, count: int) -> dict[UUID, Webhook]:
    """Wait until so many events are stored and give them."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        stored = "SELECT count(*) FROM event"
        until(lambda: connection.execute(stored).fetchone() == (count,), STORED_TIMEOUT_S, stored)
        rows = connection.execute("SELECT event_id, event_type, properties::text FROM event")
        return {event_id: (name, json.loads(text)) for event_id, name, text in rows}
