"""Random secrets that hold for a while: sessions of the dashboard, and codes that begin one.

In memory alone and as SHA-256: whoever reads this process's memory or logs finds none that works,
and a restart ends them all.
"""

from __future__ import annotations

import secrets
import time
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TICKET_BYTES = 32


class Tickets:
    """At most `most` tickets of one kind; the oldest goes when there is one more."""

    def __init__(
        self, lifetime_s: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lifetime_s = lifetime_s
        self._most = most
        self._clock = clock
        self._ends: dict[bytes, float] = {}

    def issue(self) -> str:
        """Make a ticket; it is given here and never again."""
        self._forget()
        while len(self._ends) >= self._most:
            del self._ends[next(iter(self._ends))]
        ticket = secrets.token_urlsafe(TICKET_BYTES)
        self._ends[_digest(ticket)] = self._clock() + self._lifetime_s
        return ticket

    def holds(self, ticket: str) -> bool:
        """Tell whether this is a ticket that has not ended."""
        self._forget()
        return _digest(ticket) in self._ends

    def take(self, ticket: str) -> bool:
        """End a ticket, and tell whether it held until now: true once at most."""
        self._forget()
        return self._ends.pop(_digest(ticket), None) is not None

    def _forget(self) -> None:
        now = self._clock()
        self._ends = {digest: end for digest, end in self._ends.items() if end > now}


def _digest(ticket: str) -> bytes:
    return sha256(ticket.encode()).digest()
