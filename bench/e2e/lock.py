"""One bench in a directory at a time: two would measure each other, and share their files."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


class UnusableError(RuntimeError):
    """A directory that can't be used, or not now."""


class Lock:
    """Makes a directory and locks it for a block; the lock ends with the process at the latest."""

    def __init__(self, directory: Path) -> None:
        """Name it; nothing is done yet."""
        self._directory = directory
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Take it, or raise UnusableError."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._directory, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise UnusableError(f"{self._directory}: {error.strerror}") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise UnusableError(f"{self._directory}: another bench is running here") from None
        if not os.access(self._directory, os.W_OK):
            self.__exit__()
            raise UnusableError(f"{self._directory}: Permission denied")
        return self

    def __exit__(self, *_error: object) -> None:
        """Let another one begin."""
        os.close(self._descriptor)
