"""Files that must be written sooner or later: while a disk is full everything runs on without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest import log

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = log.get(__name__)


class Due:
    """What is to be written, by name; a newer wish takes the place of an older one."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._writes: dict[str, Callable[[], object]] = {}
        self._told: set[str] = set()

    def add(self, name: str, write: Callable[[], object]) -> None:
        """Have something written at the next `settle`."""
        self._writes[name] = write

    def settle(self) -> None:
        """Write all; what fails is told once and stays due."""
        for name, write in list(self._writes.items()):
            try:
                write()
            except OSError as error:
                self._tell(name, error)
            else:
                del self._writes[name]
                self._told.discard(name)

    def _tell(self, name: str, error: OSError) -> None:
        if name not in self._told:
            self._told.add(name)
            LOG.error("can't be written, is tried again", file=name, reason=error.strerror)
