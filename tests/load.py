"""A small, bounded load from threads that remember each answer, as a careful client would."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Self

import httpx

from tests.running import NO_TLS, event

if TYPE_CHECKING:
    from tests.running import Running

BATCH = 20
TIMEOUT_S = 30.0


class Load:
    """Posts batches with ids of the client's own until the block ends; never sends one twice."""

    def __init__(self, running: Running, clients: int = 4, pause_s: float = 0.0) -> None:
        """Post to `running` with so many threads."""
        self._url = f"{running.run.url}/v1/events"
        self._headers = {"X-Api-Key": running.run.api_key}
        self._pause_s = pause_s
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._post_all) for _ in range(clients)]
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self.answers: Counter[int | str] = Counter()

    def __enter__(self) -> Self:
        """Start."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Let each client finish its request."""
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _post_all(self) -> None:
        with httpx.Client(headers=self._headers, timeout=TIMEOUT_S, verify=NO_TLS) as client:
            while not self._end.wait(self._pause_s):
                self._post(client)

    def _post(self, client: httpx.Client) -> None:
        ids = [str(uuid.uuid4()) for _ in range(BATCH)]
        body = {"events": [event(event_id=event_id) for event_id in ids]}
        answer = self._answer(client, body)
        with self._lock:
            self.sent.update(ids)
            self.answers[answer] += 1
            if answer == httpx.codes.ACCEPTED:
                self.acknowledged.update(ids)

    def _answer(self, client: httpx.Client, body: object) -> int | str:
        try:
            return client.post(self._url, json=body).status_code
        except httpx.HTTPError as error:
            return type(error).__name__
