"""What following many keys costs, and how long a new key and a revocation take under load.

Usage: python -m bench.key_changes 20000 100000
"""

from __future__ import annotations

import argparse
import http.client
import signal
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
from ingest.store import keys, session

from bench import usage
from bench.environment import leave_out_settings
from bench.machine import refuse_debug_build
from bench.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingest.store.session import Connection

IDLE_S, CLIENTS, ROUNDS, IN_A_ROW = 20.0, 8, 7, 16
#: A project a key: both tables have as many rows.
FILL = """
    WITH made AS (
        INSERT INTO project (project_id, name, plan)
        SELECT gen_random_uuid(), 'many ' || i, 'unlimited' FROM generate_series(1, %s) AS i
        RETURNING project_id
    )
    INSERT INTO api_key (key_hash, project_id)
    SELECT sha256(project_id::text::bytea), project_id FROM made
"""
NEW = "INSERT INTO api_key (key_hash, project_id) SELECT %s, project_id FROM project LIMIT 1"
REVOKE = "UPDATE api_key SET revoked_at = now() WHERE key_hash = %s"


class Client:
    """One kept connection that posts a single event."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)

    def post(self, key: str) -> int:
        """Post and give the status."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        event = {"event_type": "page_view", "timestamp": at, "properties": {}}
        head = {"X-Api-Key": key, "Content-Type": "application/json"}
        self._connection.request("POST", "/v1/events", orjson.dumps(event), head)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def idle(product: Product) -> str:
    """Measure CPU while nothing is sent and nothing changes."""
    before = usage.cpu_s(product.pids())
    time.sleep(IDLE_S)
    after = usage.cpu_s(product.pids())
    spent = {name: (after[name] - before[name]) / IDLE_S for name in after}
    workers = [cost for name, cost in spent.items() if name.startswith("worker-")]
    return f"PostgreSQL {spent['postgres']:.3f} s/s, a worker {statistics.mean(workers):.3f} s/s"


@contextmanager
def loaded(product: Product) -> Iterator[None]:
    """Let clients send single events in a closed loop."""
    ended = threading.Event()

    def send() -> None:
        client = Client(product.url)
        while not ended.is_set():
            client.post(product.keys[0])

    threads = [threading.Thread(target=send) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def held_after(client: Client, key: str, holds: Callable[[int], bool]) -> float:
    """Give how long it took until every answer was as it must be."""
    began = last = time.monotonic()
    good = 0
    while good < IN_A_ROW:
        good = good + 1 if holds(client.post(key)) else 0
        last = last if good else time.monotonic()
    return last - began


def changes(connection: Connection, url: str) -> str:
    """Make and revoke keys one after the other."""
    new, revoked, client = [], [], Client(url)
    for _ in range(ROUNDS):
        key = keys.generate("bench")
        connection.execute(NEW, (keys.digest(key),))
        new.append(held_after(client, key, lambda status: status == HTTPStatus.ACCEPTED))
        connection.execute(REVOKE, (keys.digest(key),))
        revoked.append(held_after(client, key, lambda status: status == HTTPStatus.FORBIDDEN))
        time.sleep(1.0)
    return f"new key {_told(new)}, revocation {_told(revoked)}"


def _told(times: list[float]) -> str:
    return f"{statistics.median(times):.2f} s (at most {max(times):.2f})"


def main() -> None:
    """Measure each number of keys in one system after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench.key_changes", description=__doc__)
    parser.add_argument("keys", type=int, nargs="+", help="how many, one system after the other")
    counts = parser.parse_args().keys
    refuse_debug_build()
    leave_out_settings()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what it started, as Ctrl-C does
    for count in counts:
        with tempfile.TemporaryDirectory() as directory:
            Path(directory).chmod(0o711)
            settings = {"strangers_per_minute": "0", "projects_per_minute": "0"}
            product = Product(Path(directory) / "data", **settings)
            try:
                product.start()
                with session.connect(product.dsn, "bench") as connection:
                    connection.execute(FILL, (count,))
                    time.sleep(10)
                    print(f"{count} keys, idle: {idle(product)}")
                    with loaded(product):
                        told = changes(connection, product.url)
                    print(f"{count} keys, {CLIENTS} clients: {told}", flush=True)
            finally:
                product.stop()


if __name__ == "__main__":
    main()
