"""Makes a client's requests: batches and single events, each event traced by its marker."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bench.crash.marker import PROPERTY, Marker
from bench.workload import Workload

if TYPE_CHECKING:
    from datetime import datetime

SINGLE, BATCH, NATIVE = "/api/v1/event", "/api/v1/event/batch", "/v1/events"
#: Kinds of requests, in per cent. Single events are the most requests, batches the most events.
SHARES = {"single": 55, "small": 20, "broken": 10, "large": 15}
LARGE = 200
SMALL = 10
MEAN_EVENTS = (55 + 20 * SMALL + 10 * SMALL + 15 * LARGE) / 100
EVENT_TYPES = ("page_view", "product_view", "add_to_cart", "remove_from_cart", "purchase")


class Identity(StrEnum):
    """By what a client makes its retries safe."""

    KEY = "key"  # an Idempotency-Key
    IDS = "ids"  # event ids of its own
    NONE = "none"  # nothing: it never repeats what may be stored


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it is sent, every time the same bytes."""

    number: int
    events: int
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Composer:
    """One client's requests, in order."""

    def __init__(self, client: int, identity: Identity, seed: int, now: datetime) -> None:
        self.client = client
        self.identity = identity
        self._random = random.Random(f"{seed}/{client}")
        self._workload = Workload(self._random.getrandbits(64), now)
        self._number = 0

    def next(self) -> Request:
        """Compose the next request."""
        self._number += 1
        kind = self._random.choices(list(SHARES), weights=list(SHARES.values()))[0]
        if kind == "single":
            return self._single(self._random.choice(EVENT_TYPES))
        if kind == "large":
            return self._request(BATCH, self._workload.batch(LARGE))
        compose = self._workload.broken_batch if kind == "broken" else self._workload.batch
        return self._request(NATIVE, compose(SMALL))

    def _single(self, event_type: str) -> Request:
        return self._request(SINGLE, [self._workload.event(event_type)])

    def _request(self, path: str, events: list[dict[str, Any]]) -> Request:
        for index, event in enumerate(events):
            marker = Marker(self.client, self._number, index)
            event["properties"] = event["properties"] | {PROPERTY: str(marker)}
            if self.identity is Identity.IDS:
                event["event_id"] = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        content = events[0] if path == SINGLE else {"events": events}
        body = json.dumps(content).encode()
        return Request(self._number, len(events), path, body, self._headers())

    def _headers(self) -> dict[str, str]:
        name = f"{self.client}-{self._number}"
        headers = {"X-Request-Id": name}
        if self.identity is Identity.KEY:
            headers["Idempotency-Key"] = f"crash-{name}"
        return headers
