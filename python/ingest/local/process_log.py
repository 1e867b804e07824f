"""One process's output, in files that are rotated and bounded in total."""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from ingest.log import RotatedFile

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_LINE = 16 * 1024  # bytes; a longer one is written in pieces
TAIL_LINES = 20


class ProcessLog:
    """Copies a pipe into `path` in a thread; the newest lines are also kept for an error's text."""

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        """Open the file at its end."""
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._handler = RotatedFile(
            path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8", errors="replace"
        )
        self._thread: threading.Thread | None = None

    @property
    def tail(self) -> list[str]:
        """The newest lines, oldest first."""
        return list(self._tail)

    def follow(self, pipe: IO[bytes]) -> None:
        """Copy until the pipe ends; the process never waits for a full disk."""
        self._thread = threading.Thread(target=self._copy, args=(pipe,), daemon=True)
        self._thread.start()

    def finish(self, timeout_s: float = 1.0) -> None:
        """Wait for the pipe's end, which may not come while a grandchild holds it open."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _copy(self, pipe: IO[bytes]) -> None:
        with pipe:
            while piece := pipe.readline(LONGEST_LINE):
                self._write(piece.decode("utf-8", "replace").rstrip("\n"))
        with suppress(OSError):  # what a full disk did not take is lost
            self._handler.close()  # the next line opens it again

    def _write(self, line: str) -> None:
        self._tail.append(line)
        self._handler.emit(logging.LogRecord("", logging.INFO, "", 0, line, None, None))
