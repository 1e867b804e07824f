"""Logs answers that are a fault of the server, one line each, and never more than can be read.

What clients do wrong is counted and not logged: a flood of it would fill the disk.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson

from ingest import log

if TYPE_CHECKING:
    from collections.abc import Callable

# So many lines at once, then one each half second; what is left out is counted in the next line.
BURST, PER_S = 20, 2.0

_log = log.get(__name__)


class FaultLog:
    """One process's; used from its event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = float(BURST)
        self._refilled_at = clock()
        self._left_out = 0

    def answered(self, route: str, status: int, body: str | bytes, request_id: str | None) -> None:
        """Log an answer, whose body is a problem."""
        if self._may_log():
            _log.warning("answered", **self._line(route, request_id), status=status, **told(body))

    def failed(self, route: str, request_id: str | None) -> None:
        """Log the exception that is being handled."""
        if self._may_log():
            _log.exception("a handler failed", **self._line(route, request_id))

    def _line(self, route: str, request_id: str | None) -> dict[str, object]:
        line: dict[str, object] = {"request_id": request_id, "route": route}
        if self._left_out:
            line["left_out"] = self._left_out
            self._left_out = 0
        return line

    def _may_log(self) -> bool:
        now = self._clock()
        self._left = min(BURST, self._left + (now - self._refilled_at) * PER_S)
        self._refilled_at = now
        if self._left < 1:
            self._left_out += 1
            return False
        self._left -= 1
        return True


def told(body: str | bytes) -> dict[str, str]:
    """Take code and message out of a problem; empty when it is none."""
    try:
        fields = orjson.loads(body)
        return {"code": fields["code"], "reason": fields["message"]}
    except (ValueError, TypeError, KeyError):
        return {}
