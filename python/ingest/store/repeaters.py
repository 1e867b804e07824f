"""Who sent duplicates lately: state that follows what COPY met."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Repeaters:
    """Remembers for each kind of rows the projects that sent duplicates, for a while.

    Duplicates come in bursts (overload makes clients retry), and one in a straight COPY costs it
    all: three times the time, and dead rows in the table. These projects' rows are looked up first.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: dict[tuple[bool, bytes], float] = {}

    def projects(self, is_named: bool) -> set[bytes]:
        """Give the projects whose rows of this kind are looked up now."""
        now = self._clock()
        for line in [line for line, until in self._until.items() if until <= now]:
            del self._until[line]
        return {project for kind, project in self._until if kind == is_named}

    def extend(self, is_named: bool, projects: Iterable[bytes]) -> None:
        """Note duplicates among these projects' rows of a kind."""
        until = self._clock() + self._seconds
        self._until.update(((is_named, project), until) for project in projects)
