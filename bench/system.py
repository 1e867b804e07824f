"""What a benchmark must be able to do with a system: start it, find it, ask how far it is."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import psycopg

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

#: One project each, as in the reference profile.
PLANS: Final = ("pro", "enterprise", "enterprise", "enterprise", "enterprise", "enterprise")


@dataclass(frozen=True)
class Buffered:
    """What the stream holds: events, and the server's memory for them."""

    events: int
    bytes: int


class Watched(Protocol):
    """What goes on in a running system."""

    @property
    def name(self) -> str:
        """What results call it."""

    def pids(self) -> dict[str, int]:
        """Name the process at the root of each part; those named `consumer-<n>` store."""

    def accepted(self) -> int:
        """How many events its stream has taken since the start."""

    def settled(self) -> int:
        """How many of them will not be written to the table any more, as a rule because they are.

        What is in the table is counted there.
        """


class System(Watched, Protocol):
    """A running system under test. Its projects have no limits that a load could meet."""

    @property
    def promises_fsync(self) -> bool:
        """Whether each of its answers with 202 must say that a fsync came before it."""

    @property
    def url(self) -> str:
        """Where requests go."""

    @property
    def keys(self) -> Sequence[str]:
        """The API keys of its six projects."""

    @property
    def dsn(self) -> str:
        """Its database, as the owner of `event`."""

    def start(self) -> None:
        """Start it from nothing; blocks until requests are answered. In the main thread."""

    def stop(self, *, at_once: bool = False) -> None:
        """End all of its processes; at once when nobody wants what they still hold."""

    def settings(self) -> dict[str, str]:
        """Give what it runs with, for the result; no secret."""

    def buffered(self) -> Buffered:
        """Measure the stream; costs the server some milliseconds."""


#: Those of Valkey that bear on speed or on what a reply promises.
VALKEY_SETTINGS: Final = ("appendonly", "appendfsync", "no-appendfsync-on-rewrite",
                          "maxmemory", "maxmemory-policy", "io-threads")  # fmt: skip
#: What somebody set; paths and addresses say nothing about speed.
POSTGRES_SETTINGS: Final = """
    SELECT name, current_setting(name) FROM pg_settings
    WHERE source IN ('configuration file', 'command line', 'database', 'user')
        AND setting !~ '/' AND name !~ 'port|listen'
    ORDER BY name
"""


def server_settings(dsn: str, valkey: redis.Redis) -> dict[str, str]:
    """Ask both servers of a system what they were set to; no secret."""
    found: Any = valkey.config_get(*VALKEY_SETTINGS)
    told = {_text(name): _text(value) for name, value in found.items()}
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(POSTGRES_SETTINGS).fetchall()
    return {f"valkey {name}": told[name] for name in sorted(told)} | {
        f"postgresql {name}": str(value) for name, value in rows
    }


def _text(found: bytes | str) -> str:
    return found.decode() if isinstance(found, bytes) else found


def free_ports(count: int) -> list[int]:
    """Find loopback ports that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
