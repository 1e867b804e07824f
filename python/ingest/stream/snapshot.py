"""The keys' copy in Valkey: a worker that starts while PostgreSQL is away serves by it.

A hash from a key's SHA-256 to JSON; whoever can read Valkey learns no key from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from ingest.errors import Retryable
from ingest.stream.shards import KEYS_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping


def save(client: redis.Redis, keys: Mapping[str, str]) -> None:
    """Make the copy equal to `keys` in one transaction; Retryable when Valkey can't."""
    try:
        old = load(client)
        changed: dict[bytes | bytearray | memoryview[int] | str | int | float, Any] = {
            name: text for name, text in keys.items() if old.get(name) != text
        }
        gone = [name for name in old if name not in keys]
        with client.pipeline() as pipe:
            if changed:
                pipe.hset(KEYS_KEY, mapping=changed)
            if gone:
                pipe.hdel(KEYS_KEY, *gone)
            pipe.execute()
    except redis.RedisError as error:
        raise Retryable(f"the copy of the keys can't be written: {error}") from error


def load(client: redis.Redis) -> dict[str, str]:
    """Read the copy; empty when there is none. Retryable when Valkey can't."""
    try:
        found = client.hgetall(KEYS_KEY)
    except redis.RedisError as error:
        raise Retryable(f"the copy of the keys can't be read: {error}") from error
    return {_text(name): _text(text) for name, text in found.items()}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
