"""Who gives the admin token with a request, and how many wrong ones an address may give.

Past the limit nothing is compared, so guessing ends; except where the right token came from lately:
behind one address somebody's wrong token must not keep the operator's programs out.
"""

from __future__ import annotations

import hmac
import math
import time
from typing import TYPE_CHECKING

from ingest.addresses import AddressLimit, network
from ingest.admin.attempts import MOST
from ingest.serving import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.serving import Response

BEARER = "bearer "  # a scheme has no case
KNOWN_S = 3600.0
# Only who has the token adds to them.
MOST_KNOWN = 1000


class Bearers:
    """As many wrong ones at once as wrong logins, then as many a minute."""

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._authorization = (BEARER + token).encode()
        self._clock = clock
        self._wrong = AddressLimit(MOST)
        self._known_until: dict[str, float] = {}

    def refuse(self, given: str, address: str) -> Response | None:
        """Give the refusal of an Authorization header; None for the right one."""
        now_s, where = self._clock(), network(address)
        wait_s = self._wrong.due_s(address, now_s)
        if wait_s and now_s >= self._known_until.get(where, 0.0):
            return _too_many(wait_s)
        given = given[: len(BEARER)].lower() + given[len(BEARER) :]
        if hmac.compare_digest(given.encode("utf-8", "replace"), self._authorization):
            self._know(where, now_s)
            return None
        wait_s = self._wrong.wait_s(address, now_s)
        return _too_many(wait_s) if wait_s else problem("forbidden", "this is not the admin token")

    def _know(self, where: str, now_s: float) -> None:
        self._known_until.pop(where, None)
        self._known_until[where] = now_s + KNOWN_S
        if len(self._known_until) > MOST_KNOWN:
            del self._known_until[next(iter(self._known_until))]


def _too_many(wait_s: float) -> Response:
    return problem("too_many_attempts", Retry_After=str(math.ceil(wait_s)))
