"""One supervisor for one data directory: a file lock that ends with its process."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

from ingest.errors import NeedsPerson

if TYPE_CHECKING:
    from pathlib import Path


class Lock:
    """Held from `take` until the block or the process ends; the file holds the holder's id."""

    def __init__(self, descriptor: int) -> None:
        """Own an open, locked file."""
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self:
        """Take it, or raise NeedsPerson that names the process that has it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode() or "unknown"
            os.close(descriptor)
            raise NeedsPerson(
                f"{path.parent} is in use by process {holder}: stop it with `ingest stop`, "
                "or choose another --data"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return cls(descriptor)

    def __enter__(self) -> Self:
        """Hold it for a block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Let another process take it; the file stays."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def holder(path: Path) -> int | None:
    """Give the id of the process that holds the lock; None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(descriptor, 20) or b"0") or None
    else:
        return None
    finally:
        os.close(descriptor)
