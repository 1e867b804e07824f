"""A process of clients, each a thread that behaves as a good client would and remembers everything.

Started by load.py with its orders on stdin; the end of stdin asks it to finish what it has begun.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.crash.composer import Composer, Identity, Request
from bench.crash.journal import Answer, Journal, Outcome, Sent
from bench.crash.sender import Result, Sender

if TYPE_CHECKING:
    from collections.abc import Callable

#: Of three clients one is of each kind, but for every fourth.
IDENTITIES = (Identity.KEY, Identity.IDS, Identity.NONE, Identity.IDS)
#: A client that can repeat itself does so for so long; then it gives up, and says so.
PATIENCE_S = 300.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 3.0
#: So many accepted requests are sent again although they were answered, soon or much later.
REPEATED = 0.03
REPEATED_AFTER_S = (0.0, 30.0)
#: So many requests are sent twice at once, over two connections.
HEDGED = 0.03


@dataclass(frozen=True)
class Orders:
    """What a process of clients is told."""

    url: str
    api_key: str
    directory: str
    first_client: int
    clients: int
    requests_s: float
    seed: int

    def encode(self) -> str:
        """Write them on one line."""
        return json.dumps(asdict(self)) + "\n"


class Client:
    """One client; `journal` gets a line before and after each attempt."""

    def __init__(self, orders: Orders, number: int, is_over: threading.Event) -> None:
        identity = IDENTITIES[number % len(IDENTITIES)]
        now = datetime.now(UTC)
        self._composer = Composer(number, identity, orders.seed, now)
        self._random = random.Random(f"{orders.seed}/{number}/pace")
        self._sender = Sender(orders.url, orders.api_key)
        self._second = Sender(orders.url, orders.api_key)
        self._pause_s = orders.clients / orders.requests_s
        self._journal = Journal(Path(orders.directory), number)
        self._lock = threading.Lock()
        self._is_over = is_over
        self._later: list[tuple[float, Request]] = []

    def run(self) -> None:
        """Send until it is over, then finish."""
        with self._journal:
            while not self._is_over.wait(self._random.expovariate(1 / self._pause_s)):
                self._one(self._composer.next())
                self._repeat_due()
            for _, request in self._later:
                self._try(request, self._sender)

    def _one(self, request: Request) -> None:
        if self._can_repeat and self._random.random() < HEDGED:
            other = threading.Thread(target=self._try, args=(request, self._second))
            other.start()
            self._deliver(request)
            other.join()
        elif self._deliver(request) and self._can_repeat and self._random.random() < REPEATED:
            due = time.monotonic() + self._random.uniform(*REPEATED_AFTER_S)
            self._later.append((due, request))

    def _repeat_due(self) -> None:
        now = time.monotonic()
        for entry in [entry for entry in self._later if entry[0] <= now]:
            self._later.remove(entry)
            self._try(entry[1], self._sender)

    def _deliver(self, request: Request) -> bool:
        """Send a request until it is settled; True when it was accepted."""
        deadline = time.monotonic() + PATIENCE_S
        pause_s = FIRST_PAUSE_S
        while True:
            result = self._try(request, self._sender)
            if result.is_final:
                return result.answer.outcome is Outcome.ACCEPTED
            if result.answer.outcome is Outcome.UNKNOWN and not self._can_repeat:
                return False
            if time.monotonic() > deadline:
                return False
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            time.sleep(max(pause_s, min(result.retry_after_s, LONGEST_PAUSE_S)) * self._jitter())

    def _try(self, request: Request, sender: Sender) -> Result:
        self._write(Sent(request.number, time.monotonic(), request.events))
        result = sender.attempt(request)
        self._write(result.answer)
        return result

    def _write(self, entry: Sent | Answer) -> None:
        with self._lock:
            self._journal.write(entry)

    def _jitter(self) -> float:
        return self._random.uniform(0.5, 1.0)

    @property
    def _can_repeat(self) -> bool:
        return self._composer.identity is not Identity.NONE


def main() -> None:
    """Run the clients that the first line of stdin orders, until stdin ends."""
    orders = Orders(**json.loads(sys.stdin.readline()))
    is_over = threading.Event()
    numbers = range(orders.first_client, orders.first_client + orders.clients)
    runs: list[Callable[[], None]] = [Client(orders, number, is_over).run for number in numbers]
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    is_over.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
