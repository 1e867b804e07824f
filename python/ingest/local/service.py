"""Our own processes as children: API workers, consumers, admin, each by its own command.

The same commands that a person or systemd would use, with the settings in the environment.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, ClassVar

from ingest.local.notify import VARIABLE, Notifications
from ingest.local.process import Command, Process
from ingest.readiness import SILENT_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.local.data_dir import DataDir
    from ingest.settings import Settings

NOFILE = 16384


class Service(Process):
    """`ingest <arguments>`; ready when it says so itself, after it has done its own checks."""

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM  # drains
    is_batch: ClassVar[bool] = False  # the command does it by itself

    def __init__(
        self,
        name: str,
        home: DataDir,
        settings: Settings,
        arguments: Sequence[str],
        **changes: str | None,
    ) -> None:
        """Run with `settings`, in which `changes` are made for this process alone."""
        super().__init__(name, home)
        self._settings = settings
        self._arguments = tuple(arguments)
        self._changes = changes
        self._said: Notifications | None = None

    def prepare(self) -> None:
        """Need nothing on disk."""

    def command(self) -> Command:
        """Run the command with a fresh socket for what it has to say."""
        if self._said is not None:
            self._said.close()
        self._said = Notifications(self.home.socket_dir() / f"{self.name}.notify")
        env = self._settings.environment(**self._changes)
        env[VARIABLE] = str(self._said.path)
        argv = [sys.executable, "-P", "-m", "ingest.cli", *self._arguments]
        return Command(argv, self.home.path, env, nofile=NOFILE)

    def is_ready(self) -> bool:
        """Tell whether it has said that it is ready."""
        if self._said is None:
            return False
        self._said.read()
        return self._said.is_ready

    @property
    def is_silent(self) -> bool:
        """Tell whether it has stopped saying that it is alive: it hangs."""
        if self._said is None:
            return False
        self._said.read()
        return self._said.silent_s > SILENT_S

    @property
    def person_needed(self) -> str:
        """Give what it has said that only a person can mend."""
        return "" if self._said is None else self._said.person_needed

    @property
    def is_stopping(self) -> bool:
        """Tell whether it has said that it wants to stop: no more work should reach it."""
        if self._said is None:
            return False
        self._said.read()
        return self._said.is_stopping


class Consumer(Service):
    """A consumer; what it tells of itself is on a loopback port, which it keeps over restarts."""

    def __init__(
        self, index: int, port: int, home: DataDir, settings: Settings, **changes: str | None
    ) -> None:
        """Answer admin on 127.0.0.1:`port`."""
        arguments = ("consume", "--listen-port", str(port))
        super().__init__(f"consumer-{index}", home, settings, arguments, **changes)
        self.port = port


class Worker(Service):
    """An API worker on a loopback port of its own, which it keeps over restarts."""

    def __init__(
        self, index: int, port: int, home: DataDir, settings: Settings, **changes: str | None
    ) -> None:
        """Serve on 127.0.0.1:`port`."""
        arguments = ("serve", "--index", str(index), "--listen-port", str(port))
        super().__init__(f"worker-{index}", home, settings, arguments, **changes)
        self.port = port
