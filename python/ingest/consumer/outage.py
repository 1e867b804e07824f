"""Tells of what fails again and again: the first time, then now and then, and when it is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingest import log
from ingest.errors import NeedsPerson

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.errors import IngestError

# Attempts come once or twice a second for as long as a server is away: hours of lines of one text.
AGAIN_S = 30.0

_log = log.get(__name__)


class Outage:
    """One piece of work, for one thread. Each kind of error has its own first line."""

    def __init__(self, failed: str, well: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._failed = failed
        self._well = well
        self._clock = clock
        self._began_at: float | None = None
        self._told_at: dict[type[IngestError], float] = {}
        self._left_out = 0

    def tell(self, error: IngestError, again_in_s: float) -> None:
        """Note a failure."""
        now = self._clock()
        if self._began_at is None:
            self._began_at = now
        if now - self._told_at.get(type(error), float("-inf")) < AGAIN_S:
            self._left_out += 1
            return
        self._told_at[type(error)] = now
        tell = _log.error if isinstance(error, NeedsPerson) else _log.warning
        left_out = {"left_out": self._left_out} if self._left_out else {}
        tell(self._failed, error=str(error), again_in_s=round(again_in_s, 2), **left_out)
        self._left_out = 0

    def end(self) -> None:
        """Note a success."""
        if self._began_at is None:
            return
        away_s = self._clock() - self._began_at
        _log.info(self._well, after_s=round(away_s, 1), left_out=self._left_out)
        self._began_at = None
        self._told_at.clear()
        self._left_out = 0
