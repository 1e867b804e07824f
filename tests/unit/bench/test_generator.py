"""The load generator against a small real server: what it counts and when it sends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import pytest

from bench import bodies, generator
from bench.generator import Drive, Generator, Load

pytestmark = pytest.mark.slow

PAUSE_S = 0.3


class Handler(BaseHTTPRequestHandler):
    """Accepts batches; refuses every fourth request or sleeps once when it is told to."""

    protocol_version = "HTTP/1.1"
    ids: ClassVar[list[str]] = []
    keys: ClassVar[set[str]] = set()
    lock: ClassVar[threading.Lock] = threading.Lock()
    count = 0
    refuses = False
    retry_after: str | None = None
    ack: str | None = None
    #: What stands in a 202 in the place of its ids.
    told: ClassVar[dict[str, object] | None] = None
    pause_at = -1

    def do_POST(self) -> None:
        cls = type(self)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        cls.keys.add(self.headers["X-Api-Key"])
        with cls.lock:
            cls.count += 1
            number = cls.count
        if number == cls.pause_at:
            time.sleep(PAUSE_S)
        if cls.refuses and number % 4 == 0:
            self.answer(503, {"code": "overloaded"})
            return
        ids = [str(uuid4()) for _ in body["events"]]
        cls.ids += ids
        given = {"status": "accepted", "accepted": len(ids), "event_ids": ids}
        self.answer(202, given if cls.told is None else cls.told)

    def answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if self.ack is not None:
            self.send_header("Ingest-Ack", self.ack)
        if self.retry_after is not None and status == 503:
            self.send_header("Retry-After", self.retry_after)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    generator.build()


@pytest.fixture
def handler() -> type[Handler]:
    class Fresh(Handler):
        ids: ClassVar[list[str]] = []
        keys: ClassVar[set[str]] = set()

    return Fresh


@pytest.fixture
def url(handler: type[Handler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def driven(url: str, tmp_path: Path) -> Callable[..., Drive]:
    body = json.dumps({"events": [1, 2, 3]})
    path, heads = tmp_path / "bodies", tmp_path / "heads"
    bodies.write(path, [bodies.Prepared(bodies.BATCH, 3, body)] * 5)
    heads.write_text("X-Api-Key: a\nX-Api-Key: b\n")

    def drive(
        seconds: float = 10.0,
        connections: int = 3,
        requests: int | None = None,
        rate: float | None = None,
    ) -> Drive:
        asked = Load(path, seconds, connections, rate, requests)
        return Generator.start(asked, url, heads, tmp_path / "ids").wait()

    return drive


def test_counts_what_was_accepted_and_refused(
    handler: type[Handler], driven: Callable[..., Drive], tmp_path: Path
) -> None:
    handler.refuses = True
    drive = driven(requests=200)
    assert drive.total["sent"] == handler.count == 200
    assert drive.total["refused"] == 50 == drive.raw["codes"]["overloaded"]
    assert drive.raw["statuses"] == {"202": 150, "503": 50}
    assert (drive.total["mismatched"], drive.total["synced"]) == (0, 0)
    assert drive.accepted_events == 450 == sum(s["events"] for s in drive.raw["timeline"])
    assert handler.keys == {"a", "b"}
    raw = (tmp_path / "ids").read_bytes()
    told = {str(UUID(bytes=raw[at : at + 16])) for at in range(0, len(raw), 16)}
    assert told == set(handler.ids)


@pytest.mark.parametrize(("retry_after", "silent"), [(None, 10), ("1", 0)])
def test_a_refusal_for_now_says_when_to_come_back(
    retry_after: str | None,
    silent: int,
    handler: type[Handler],
    driven: Callable[..., Drive],
) -> None:
    handler.refuses, handler.retry_after = True, retry_after
    drive = driven(requests=40)
    assert (drive.total["refused"], drive.total["silent"]) == (10, silent)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"event_ids": ["not an id"]},
        {"accepted": 3, "event_ids": ["6f9619ff-8b86-4d01-b42d-00cf4fc964ff"]},
        {"accepted": 1, "event_ids": ["6f9619ff-8b86-4d01-b42d-00cf4fc964ff"]},
    ],
)
def test_an_answer_without_an_id_for_each_event_is_a_mismatch(
    told: dict[str, object],
    handler: type[Handler],
    driven: Callable[..., Drive],
) -> None:
    handler.told = told
    drive = driven(requests=20)
    assert drive.total["mismatched"] == 20


@pytest.mark.parametrize(("ack", "synced"), [("fsync", 20), ("memory", 0)])
def test_counts_who_promises_a_fsync(
    ack: str,
    synced: int,
    handler: type[Handler],
    driven: Callable[..., Drive],
) -> None:
    handler.ack = ack
    drive = driven(requests=20)
    assert drive.total["synced"] == synced


@pytest.mark.parametrize("rate", [50, 64, 100])
def test_the_open_loop_sends_all_that_comes_due(
    rate: int, handler: type[Handler], driven: Callable[..., Drive]
) -> None:
    drive = driven(1.0, 8, rate=rate)
    assert (drive.total["sent"], drive.total["unsent"]) == (rate, 0)
    assert handler.count == rate


def test_the_open_loop_counts_from_the_intended_time(
    handler: type[Handler], driven: Callable[..., Drive]
) -> None:
    handler.pause_at = 20
    drive = driven(1.0, 1, rate=100)
    assert drive.total["sent"] + drive.total["unsent"] == 100
    assert drive.latency_ms("max") >= 1000 * PAUSE_S
    # What waited behind the pause is late too: about thirty requests, not one.
    late = [us for share, us in drive.raw["latency_us"]["curve"] if share >= 0.9]
    assert min(late) > 100_000
    assert drive.raw["lateness_us"]["max"] > 250_000
