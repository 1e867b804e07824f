"""Where a bench may write: one at a time, and nothing that somebody else has put there."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: In a directory that a bench has made and may remove.
MARK = "made-by-bench"


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


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Make a directory for a block; what a bench that was killed has left there is removed.

    UnusableError when it can't be made, or somebody else's is in its place.
    """
    if directory.exists() and not (directory / MARK).exists():
        raise UnusableError(f"{directory} is not a bench's: move it away, or choose another --data")
    remove(directory)
    try:
        directory.mkdir()
        (directory / MARK).touch()
    except OSError as error:
        raise UnusableError(f"{directory}: {error.strerror}") from None
    try:
        yield
    finally:
        remove(directory)


def remove(directory: Path) -> None:
    """Remove a directory of systems, or of one, with what lies elsewhere for it.

    The servers' files do when the account that runs them can't walk into the directory.
    """
    for link in (*directory.glob("servers"), *directory.glob("*/servers")):
        if link.is_symlink():
            shutil.rmtree(link.resolve(), ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
