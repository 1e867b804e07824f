"""How long after its 202 an event is seen in the table: lone probes among the load."""

from __future__ import annotations

import http.client
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from bench.bodies import SINGLE
from bench.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.system import System

Database: TypeAlias = psycopg.Connection[tuple[object, ...]]

EVERY_S = 0.1
POLL_S = 0.001
GIVE_UP_S = 30.0
#: With the timestamp one partition is looked into; without, all of them.
SEEN = "SELECT 1 FROM event WHERE event_id = %s AND timestamp = %s"


class BadAnswerError(RuntimeError):
    """A probe was accepted, and can't be looked for."""


class Prober:
    """Sends one event every 100 ms and looks for it every millisecond."""

    def __init__(self, system: System, ids: Path) -> None:
        """Write the ids of accepted probes into `ids`."""
        self._system = system
        self._ids = ids
        self._workload = Workload(7, datetime.now(UTC))

    def run(self, is_over: Callable[[], bool]) -> list[float]:
        """Probe until `is_over`; give milliseconds from the 202 to the row, in order."""
        delays: list[float] = []
        client = http.client.HTTPConnection(urlsplit(self._system.url).netloc, timeout=GIVE_UP_S)
        with (
            psycopg.connect(self._system.dsn, autocommit=True) as database,
            self._ids.open("wb") as ids,
        ):
            while not is_over():
                began = time.monotonic()
                delay = self._probe(client, database, ids.write)
                delays += [] if delay is None else [delay]
                time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))
        client.close()
        return delays

    def _probe(
        self,
        client: http.client.HTTPConnection,
        database: Database,
        note: Callable[[bytes], object],
    ) -> float | None:
        """Give None when the probe was refused."""
        now = datetime.now(UTC)
        event = self._workload.event("page_view") | {"timestamp": now.isoformat()}
        headers = {"X-Api-Key": self._system.keys[0], "Content-Type": "application/json"}
        client.request("POST", SINGLE, json.dumps(event), headers)
        answer = client.getresponse()
        body = answer.read()
        accepted = time.monotonic()
        if answer.status != http.HTTPStatus.ACCEPTED:
            return None
        try:
            event_id = UUID(json.loads(body)["event_id"])
        except (ValueError, KeyError, TypeError):
            raise BadAnswerError(f"a 202 without an id: {body[:80]!r}") from None
        note(event_id.bytes)
        while database.execute(SEEN, (event_id, now)).fetchone() is None:
            if time.monotonic() - accepted > GIVE_UP_S:
                raise TimeoutError(f"{event_id} was accepted and is not in the table")
            time.sleep(POLL_S)
        return (time.monotonic() - accepted) * 1000


def quantile(values: list[float], share: float) -> float:
    """Give the value that `share` of the values don't exceed; nan without values."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
