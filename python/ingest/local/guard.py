"""The supervisor's side of the watchdog, and the notes for the next start."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from ingest import log
from ingest.local import children, private_file, strays
from ingest.local.children import Child

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingest.local.data_dir import DataDir
    from ingest.local.process import Process

LOG = log.get(__name__)
WATCHDOG = (sys.executable, "-P", "-m", "ingest.local.watchdog")


def clear(home: DataDir) -> None:
    """End what an earlier run left behind, before its ports and files are used again."""
    home.run_file.unlink(missing_ok=True)
    home.roster_file.unlink(missing_ok=True)
    for child in children.read(home.children_file):
        if strays.end(child.remains()):
            LOG.warning("process of an earlier run was still there", process=child.name)


class Guard:
    """Keeps both readers of the notes up to date."""

    def __init__(self, home: DataDir) -> None:
        """Use the notes of this data directory."""
        self._home = home
        self._notes: list[Child] = []
        self._watchdog: subprocess.Popen[bytes] | None = None

    def note(self, processes: Iterable[Process]) -> None:
        """Write down who runs now."""
        running = ((process.name, process.pid) for process in processes)
        found = (Child.of(name, pid) for name, pid in running if pid is not None)
        self._notes = [child for child in found if child is not None]
        text = children.encode(self._notes)
        self._tell(text)
        private_file.write(self._home.children_file, text)

    def close(self) -> None:
        """Let the watchdog end; everything has been stopped."""
        with suppress(OSError):  # a full disk: the notes of processes that ended do no harm
            self.note(())
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
            self._watchdog.wait()

    def _tell(self, text: str) -> None:
        """Write to the watchdog, in the place of one that was killed if need be."""
        if self._watchdog is None or self._watchdog.poll() is not None:
            self._watchdog = subprocess.Popen(
                WATCHDOG, stdin=subprocess.PIPE, start_new_session=True
            )
        if self._watchdog.stdin is not None:
            self._watchdog.stdin.write(text.encode() + b"\n")
            self._watchdog.stdin.flush()
