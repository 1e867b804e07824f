"""When rows go through the staging table: state that follows what COPY met."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Staging:
    """Remembers for each kind of rows how long it goes through the staging table.

    Duplicates come in bursts (overload makes clients retry), and one in a straight COPY costs it
    all: three times the time, and dead rows in the table.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: dict[bool, float] = {}

    def is_on(self, is_named: bool) -> bool:
        """Say whether rows of this kind go through the table now."""
        until = self._until.get(is_named)
        return until is not None and self._clock() < until

    def extend(self, is_named: bool) -> None:
        """Note a duplicate among rows of this kind."""
        self._until[is_named] = self._clock() + self._seconds
