"""Events and refusals as they come, from a running system's stream and workers."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import psutil
import pytest
from ingest.admin.event_feed import EventFeed
from ingest.admin.processes import Processes
from ingest.admin.refusal_feed import RefusalFeed
from ingest.settings import PREFIX, Settings
from ingest.stream.connection import connect

from tests.running import event, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.running import Running

pytestmark = pytest.mark.stack

SEEN_S = 20.0
NEEDED = ("database_url", "valkey_url", "edge_secret", "worker_urls", "consumer_urls")


class Watching:
    """An audience that remembers what it is told."""

    def __init__(self) -> None:
        self.is_there = True
        self.told: list[tuple[str, dict[str, Any]]] = []

    def is_watched(self, topic: str) -> bool:
        """Watch everything while it is there."""
        return self.is_there and bool(topic)

    def publish(self, topic: str, message: object) -> None:
        """Remember."""
        assert isinstance(message, dict)
        self.told.append((topic, message))

    def items(self, topic: str) -> list[dict[str, Any]]:
        """Give all events or refusals that were told."""
        return [item for name, message in self.told if name == topic for item in message[topic]]

    def passed(self, topic: str) -> int:
        """Give how many there were by the workers' counts."""
        return sum(message.get("passed", 0) for name, message in self.told if name == topic)


@pytest.fixture
def settings(stack: Running) -> Settings:
    """What the admin process was told."""
    environment = psutil.Process(stack.run.pids["admin"]).environ()
    return Settings.load(None, **{name: environment[PREFIX + name.upper()] for name in NEEDED})


@pytest.fixture
def watching(settings: Settings, stack: Running) -> Iterator[Watching]:
    watching = Watching()
    feeds = (EventFeed(settings, watching), RefusalFeed(Processes(settings), watching))
    for feed in feeds:
        feed.start()
    until(lambda: _wakes(watching, stack), SEEN_S, "the feeds see what comes")
    time.sleep(1)  # what woke them came fast: now little comes, and a read waits for it
    yield watching
    for feed in feeds:
        feed.stop()


def _wakes(watching: Watching, stack: Running) -> bool:
    stack.post(event())
    stack.post(event(event_type="nonsense"))
    return bool(watching.items("events") and watching.items("refusals"))


def test_a_lone_event_is_seen_as_it_comes(stack: Running, watching: Watching) -> None:
    told = event(user_id="ann", properties={"page_url": "https://example.com/"})
    (event_id,) = stack.post(told).json()["event_ids"]
    found = seen(watching, event_id)
    assert found["project"] == "default"
    assert UUID(found["project_id"])
    assert (found["event_type"], found["user_id"], found["session_id"]) == (
        "page_view",
        "ann",
        None,
    )
    assert (json.loads(found["properties"]), found["is_cut"]) == (told["properties"], False)
    assert found["timestamp"] == told["timestamp"].replace("Z", "+00:00")  # type: ignore[attr-defined]


def seen(watching: Watching, event_id: str) -> dict[str, Any]:
    def find() -> list[dict[str, Any]]:
        return [item for item in watching.items("events") if item["event_id"] == event_id]

    until(find, SEEN_S, "the event is seen")
    return find()[0]


def test_large_properties_are_cut(stack: Running, watching: Watching) -> None:
    posted = stack.post(event(properties={"note": "x" * 5000}))
    found = seen(watching, posted.json()["event_ids"][0])
    assert (len(found["properties"]), found["is_cut"]) == (1000, True)


def test_every_event_is_seen_while_little_comes(stack: Running, watching: Watching) -> None:
    ids = []
    for _ in range(10):
        ids += stack.post(event()).json()["event_ids"]
        time.sleep(0.15)
    for event_id in ids:
        seen(watching, event_id)


def test_a_refusal_is_told_with_its_request_id(stack: Running, watching: Watching) -> None:
    answer = stack.post(event(), event(event_type="nonsense"), event(timestamp="never"))
    request_id = answer.headers["x-request-id"]

    def find() -> list[dict[str, Any]]:
        return [item for item in watching.items("refusals") if item["request_id"] == request_id]

    until(find, SEEN_S, "the refusal is told")
    (found,) = find()
    assert (found["status"], found["rejected"], found["project"]) == (202, 2, "default")
    assert [(told["index"], told["code"]) for told in found["events"]] == [
        (1, "unknown_event_type"),
        (2, "invalid_timestamp"),
    ]
    assert found["process"] in {"worker-0", "worker-1"}
    assert stack.run.api_key not in str(watching.told)


def test_under_load_a_sample_is_told_and_how_much_passed(
    stack: Running, watching: Watching
) -> None:
    before = watching.passed("events"), len(watching.items("events"))
    threads = [
        threading.Thread(target=lambda: [stack.post(*[event()] * 50) for _ in range(40)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: watching.passed("events") - before[0] >= 8000, SEEN_S, "8000 events passed")
    assert 0 < len(watching.items("events")) - before[1] < 8000


def test_nobody_is_asked_while_nobody_watches(stack: Running, watching: Watching) -> None:
    until(lambda: asked(stack) == 1, SEEN_S, "one connection, and none of a watcher before")
    watching.is_there = False
    until(lambda: connections(stack) == 0, SEEN_S, "the connection to Valkey is let go")
    told = len(watching.told)
    stack.post(event(), event(event_type="nonsense"))
    time.sleep(1.5)
    assert len(watching.told) == told


def asked(stack: Running) -> int:
    """Count after a request to admin: the HTTP server forgets a watcher that left with the next."""
    bearer = {"Authorization": f"Bearer {stack.run.admin_token}"}
    httpx.get(f"{stack.run.admin_url}/livez", headers=bearer).raise_for_status()
    return connections(stack)


def connections(stack: Running) -> int:
    with connect(stack.run.valkey_url, name="test") as client:
        clients: Any = client.client_list()
        return sum(one["name"] == "ingest-follow" for one in clients)
