"""A worker's prepared connection: shards compared, schema stored, durability known.

It is opened again by whoever uses it, never by itself, so that nothing is sent twice unasked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingest.errors import IngestError, Retryable
from ingest.stream import durability
from ingest.stream.command import command, first_error, refusal
from ingest.stream.connection import CONNECT_TIMEOUT_S, Lost
from ingest.stream.durability import AckLevel
from ingest.stream.shards import COUNT_KEY, SCHEMA_KEY, check_count

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ingest._native import Schema
    from ingest.stream.connection import Reply, Wire

LEVEL_MAX_AGE_S = 1.0


class Link:
    """One connection at a time; `level` is at most a second old when something is answered."""

    def __init__(
        self,
        connect: Callable[[float], Awaitable[Wire]],
        schema: Schema,
        shard_count: int,
        reply_timeout_s: float,
    ) -> None:
        self._connect = connect
        self._schema = schema
        self._shard_count = shard_count
        self._reply_timeout_s = reply_timeout_s
        self._wire: Wire | None = None
        self._level_read_at = 0.0
        self.level = AckLevel.MEMORY

    @property
    def is_open(self) -> bool:
        """Whether something can be sent without connecting first."""
        return self._wire is not None

    async def open(self, timeout_s: float) -> None:
        """Connect and prepare, one attempt; Retryable, NeedsPerson or StreamRefused otherwise."""
        end = time.monotonic() + min(timeout_s, CONNECT_TIMEOUT_S)
        wire = await self._connect(end - time.monotonic())
        try:
            await self._prepare(wire, end - time.monotonic())
        except IngestError:
            await wire.close()
            raise
        self._wire = wire

    async def send(self, buffers: Sequence[bytes], replies: int, timeout_s: float) -> list[Reply]:
        """Write commands and read their replies; Lost, with those that came, ends the connection.

        When the level is older than a second it is read in the same round trip, before the
        commands are executed.
        """
        wire = self._wire
        if wire is None:
            raise Lost("not connected", [])
        is_due = time.monotonic() - self._level_read_at >= LEVEL_MAX_AGE_S
        if not (is_due or replies):
            return []
        asked = (durability.READ, *buffers) if is_due else buffers
        try:
            patience_s = min(timeout_s, self._reply_timeout_s)
            received = await wire.exchange(asked, replies + is_due, patience_s)
        except Lost as lost:
            self._wire = None
            lost.replies = self._without_level(lost.replies, is_due=is_due)
            raise
        return self._without_level(received, is_due=is_due)

    async def close(self) -> None:
        """End the connection; nothing may be in flight."""
        if self._wire is not None:
            await self._wire.close()
            self._wire = None

    async def _prepare(self, wire: Wire, timeout_s: float) -> None:
        fingerprint, text = self._schema.fingerprint.hex().encode(), self._schema.text.encode()
        asked = (
            durability.READ,
            command(b"GET", COUNT_KEY.encode()),
            command(b"HSETNX", SCHEMA_KEY.encode(), fingerprint, text),
            command(b"HEXISTS", SCHEMA_KEY.encode(), fingerprint),
        )
        replies = await wire.exchange(asked, len(asked), timeout_s)
        count, stored, exists = self._without_level(replies, is_due=True)
        check_count(count if isinstance(count, bytes) else None, self._shard_count)
        # A full server refuses HSETNX, which does no harm where the text is already.
        if exists != 1:
            error = first_error([stored, exists])
            raise refusal(error) if error else Retryable("the schema's text was not stored")

    def _without_level(self, replies: list[Reply], *, is_due: bool) -> list[Reply]:
        if not is_due or not replies:
            return replies
        self.level = durability.level(replies[0])
        self._level_read_at = time.monotonic()
        return replies[1:]
