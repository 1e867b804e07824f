"""Runs a supervisor in this terminal: checks first, progress while it starts, then what to type."""

from __future__ import annotations

import os
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, TextIO, TypeVar

from rich.console import Console

from ingest import log, readiness
from ingest.cli.greeting import greeting
from ingest.errors import IngestError, SettingsError
from ingest.local import certificate, ports, wheels
from ingest.local.data_dir import DataDir, LogBounds
from ingest.local.guard import clear
from ingest.local.lock import Lock
from ingest.local.stack import ADMIN_HOST, Stack
from ingest.local.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingest.local.run_file import RunFile
    from ingest.settings import Settings

T = TypeVar("T")


def run(settings: Settings) -> int:
    """Supervise until a signal and give the exit code; IngestError when it can't start."""
    began = time.monotonic()
    home = DataDir(
        settings.data_dir,
        settings.run_user,
        LogBounds(settings.log_max_bytes, settings.log_backups),
    )
    home.prepare()
    with Lock.take(home.lock_file):
        clear(home)
        _check_before(settings)
        log.also_to(home.log / "supervisor.log", settings.log_max_bytes, settings.log_backups)
        stack = Stack(settings, home)
        progress = _Progress()

        def ready(run_file: RunFile) -> None:
            progress.end()
            readiness.notify(readiness.READY)
            seconds = time.monotonic() - began
            say(greeting(stack, run_file, seconds, sys.stdout.isatty()), sys.stdout)

        try:
            return Supervisor(stack, version("ingest"), progress.show).run(ready)
        finally:
            progress.end()
            home.release()


def say(text: str, stream: TextIO) -> None:
    """Print a line; nobody has to read it: a closed pipe must not end what runs."""
    try:
        print(text, file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Progress:
    """One line that changes on a terminal, one line a step elsewhere."""

    def __init__(self) -> None:
        self._status = Console(stderr=True).status("starting")

    def show(self, text: str) -> None:
        if sys.stderr.isatty():
            self._status.update(text)
            self._status.start()
        else:
            say(text, sys.stderr)

    def end(self) -> None:
        self._status.stop()


def _check_before(settings: Settings) -> None:
    """Find what can't work before anything is started; all faults are told at once."""
    faults = [*_missing_wheels(settings), *_taken_ports(settings)]
    faults += certificate.faults(settings)
    if settings.schema_file is not None and not settings.schema_file.is_file():
        faults.append(f"schema_file: there is no {settings.schema_file}")
    if faults:
        raise SettingsError("\n".join(faults))


def _missing_wheels(settings: Settings) -> list[str]:
    needed = [wheels.NGINX]
    needed += [wheels.POSTGRES] if settings.database_url is None else []
    needed += [wheels.VALKEY] if settings.valkey_url is None else []
    return _faults(lambda wheel: wheel.version, needed)


def _taken_ports(settings: Settings) -> list[str]:
    wanted = [
        (settings.host, settings.port, "--port"),
        (ADMIN_HOST, settings.admin_port, "--admin-port"),
    ]
    return _faults(lambda at: ports.check_free(*at), wanted)


def _faults(check: Callable[[T], object], items: Sequence[T]) -> list[str]:
    found = []
    for item in items:
        try:
            check(item)
        except IngestError as error:
            found.append(str(error))
    return found
