"""The keys' copy in Valkey: a worker that starts while PostgreSQL is away serves by it.

A hash from a key's SHA-256 to JSON; whoever can read Valkey learns no key from it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import redis

from ingest.errors import Retryable
from ingest.stream.connection import connect
from ingest.stream.shards import KEYS_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Snapshot:
    """The copy, over a connection of its own; every method raises Retryable when Valkey can't."""

    def __init__(self, url: str) -> None:
        self._client = connect(url, name="ingest-keys")

    def save(self, keys: Mapping[str, str]) -> None:
        """Make the copy equal to `keys` in one transaction."""
        old = self.load()
        new = {name.encode(): text.encode() for name, text in keys.items()}
        changed: dict[bytes | bytearray | memoryview[int] | str | int | float, Any] = {
            name: text for name, text in new.items() if old.get(name) != text
        }
        gone = [name for name in old if name not in new]
        with _translated(), self._client.pipeline() as pipe:
            if changed:
                pipe.hset(KEYS_KEY, mapping=changed)
            if gone:
                pipe.hdel(KEYS_KEY, *gone)
            pipe.execute()

    def load(self) -> dict[bytes, bytes]:
        """Read the copy as it is; empty when there is none."""
        with _translated():
            return cast("dict[bytes, bytes]", self._client.hgetall(KEYS_KEY))

    def close(self) -> None:
        """End the connection."""
        self._client.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise Retryable(f"Valkey can't keep the keys' copy: {error}") from error
