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
    from collections.abc import Iterator, Mapping, Sequence


class Snapshot:
    """The copy, over a connection of its own; every method raises Retryable when Valkey can't."""

    def __init__(self, url: str) -> None:
        self._client = connect(url, name="ingest-keys")

    def save(self, keys: Mapping[str, str]) -> None:
        """Make the copy equal to `keys`, whatever it holds: it is read whole and compared."""
        old = self.load()
        new = {name.encode(): text.encode() for name, text in keys.items()}
        changed = {name: text for name, text in new.items() if old.get(name) != text}
        self._write(changed, [name for name in old if name not in new])

    def change(self, changed: Mapping[str, str], gone: Sequence[str]) -> int:
        """Write what differs from what was saved last; give how many keys are there then."""
        return self._write({name.encode(): text.encode() for name, text in changed.items()}, gone)

    def _write(self, changed: Mapping[bytes, bytes], gone: Sequence[str | bytes]) -> int:
        """Write in one transaction."""
        mapping: Any = changed  # the library's type wants keys of every kind at once
        with _translated(), self._client.pipeline() as pipe:
            if mapping:
                pipe.hset(KEYS_KEY, mapping=mapping)
            if gone:
                pipe.hdel(KEYS_KEY, *gone)
            pipe.hlen(KEYS_KEY)
            return int(pipe.execute()[-1])

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
