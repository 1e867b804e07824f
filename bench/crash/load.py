"""The load: some processes of clients, started and ended together."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from bench.crash.client import PATIENCE_S, Orders
from bench.crash.composer import MEAN_EVENTS
from bench.machine import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROCESSES = 3
CLIENTS = 6
#: What a client may still take for requests that it repeats.
SPARE_S = 60.0


class Load:
    """Client processes; each has its numbers and its journals."""

    def __init__(self, url: str, api_key: str, directory: Path, seed: int, events_s: float) -> None:
        requests_s = events_s / MEAN_EVENTS / PROCESSES
        self._orders = [
            Orders(url, api_key, str(directory), 1 + index * CLIENTS, CLIENTS, requests_s, seed)
            for index in range(PROCESSES)
        ]
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Start them."""
        for orders in self._orders:
            argv = [sys.executable, "-m", "bench.crash.client"]
            child = subprocess.Popen(argv, stdin=subprocess.PIPE, cwd=ROOT)
            assert child.stdin is not None
            child.stdin.write(orders.encode().encode())
            child.stdin.flush()
            self._running.append(child)
        return self

    def __exit__(self, *_error: object) -> None:
        """Leave none behind."""
        for child in self._running:
            child.kill()
            child.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let all clients stand still."""
        for child in self._running:
            child.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for child in self._running:
                child.send_signal(signal.SIGCONT)

    def finish(self) -> None:
        """Let each client settle what it has begun; RuntimeError when one failed."""
        for child in self._running:
            if child.stdin is not None:
                with suppress(BrokenPipeError):
                    child.stdin.close()
        codes = [child.wait(PATIENCE_S + SPARE_S) for child in self._running]
        if any(codes):
            raise RuntimeError(f"client processes ended with {codes}")
