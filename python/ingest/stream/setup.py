"""What could be better in how Valkey is set up; what breaks a promise is `survey`'s to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from ingest.errors import NeedsPerson, Retryable
from ingest.stream.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

OLDEST_VERSION = (7, 2)
# A drained stream's file is rewritten each time it passes this: about once a second with 64 MB.
LEAST_REWRITE_BYTES = 1 << 30
REWRITE = "auto-aof-rewrite-min-size"


def faults(url: str) -> list[str]:
    """Say whether the server is too old."""
    version = str(_asked(url, lambda client: client.info("server"))["redis_version"])
    if tuple(map(int, version.split(".")[:2])) >= OLDEST_VERSION:
        return []
    oldest = ".".join(map(str, OLDEST_VERSION))
    return [f"Valkey speaks version {version}, {oldest} is the oldest that works"]


def advice(url: str) -> list[str]:
    """Say what works and could be better."""
    found = _asked(url, lambda client: client.config_get(REWRITE))
    size = int(found.get(REWRITE, LEAST_REWRITE_BYTES))
    if size >= LEAST_REWRITE_BYTES:
        return []
    return [f"Valkey: {REWRITE} is {size >> 20} MiB: with gigabytes it forks less often"]


def clock(url: str) -> float:
    """Give the server's unix time."""
    # INFO and not TIME, which neither workers nor consumers may ask.
    told = _asked(url, lambda client: client.info("server"))
    return float(told["server_time_usec"]) / 1e6


def _asked(url: str, ask: Callable[[redis.Redis], Any]) -> Any:
    with connect(url, name="ingest-check") as client:
        try:
            return ask(client)
        except redis.AuthenticationError as error:
            raise NeedsPerson(f"Valkey refuses the connection: {error}") from error
        except redis.RedisError as error:
            raise Retryable(f"Valkey can't be reached: {error}") from error
