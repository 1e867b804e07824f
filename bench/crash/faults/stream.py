"""Faults made through Valkey's own door: no memory left, clients thrown out."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bench.crash import disk
from bench.crash.faults.fault import Fault, NotInjected

if TYPE_CHECKING:
    from bench.crash.stack import Stack

TIMEOUT_S = 5.0
#: Less than an empty server uses.
TOO_LITTLE = "100kb"
SETTING = "maxmemory"


def connect(stack: Stack) -> redis.Redis:
    """Connect as the operator, without retries."""
    return redis.Redis.from_url(
        stack.run.valkey_url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=TIMEOUT_S,
        driver_info=None,
    )


class OutOfMemory(Fault):
    """Valkey takes no more: OOM for every append."""

    name, hold_s = "Valkey out of memory", (2.0, 8.0)

    def inject(self, stack: Stack) -> None:
        """Leave it less than it uses."""
        with connect(stack) as client:
            self._before = client.config_get(SETTING)[SETTING]
            client.config_set(SETTING, TOO_LITTLE)

    def heal(self, stack: Stack) -> None:
        """Give it back what it had; one that was restarted has it already."""
        with suppress(redis.ConnectionError), connect(stack) as client:
            client.config_set(SETTING, self._before)


class ThrowOut(Fault):
    """All clients' connections closed by the server."""

    name = "Valkey closes connections"

    def inject(self, stack: Stack) -> None:
        """Close all but our own."""
        with connect(stack) as client:
            if not client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"):
                raise NotInjected("no client was connected")


class FullDisk(Fault):
    """No room for the append-only file: the server ends, as often as it is started again."""

    name, hold_s, limit_s = "full disk", (2.0, 8.0), 30.0

    def inject(self, stack: Stack) -> None:
        """Fill what is left."""
        directory = stack.data / "servers" / "valkey"
        if not directory.is_mount():
            raise NotInjected("the stream has no disk of its own")
        self._ballast = directory / "ballast"
        disk.fill(self._ballast)

    def heal(self, stack: Stack) -> None:  # noqa: ARG002
        """Make room."""
        self._ballast.unlink()


FAULTS = (OutOfMemory, ThrowOut)
