"""A worker's prepared connection: shards compared, schema stored, the server's state known.

It is opened again by whoever uses it, never by itself, so that nothing is sent twice unasked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingest.errors import IngestError, Retryable
from ingest.stream import durability, server_state
from ingest.stream.command import command, first_error, refusal
from ingest.stream.connection import CONNECT_TIMEOUT_S, Lost
from ingest.stream.durability import AckLevel
from ingest.stream.room import Room, RoomPolicy
from ingest.stream.shards import COUNT_KEY, SCHEMA_KEY, check_count

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ingest._native import Schema
    from ingest.stream.connection import Wire
    from ingest.stream.replies import Reply


class Link:
    """One connection at a time.

    `level` and `evicts` are what the server's settings said behind the last commands, in the same
    round trip. `room` is told of a look at the server, from which it judges whether more is taken.
    """

    def __init__(
        self,
        connect: Callable[[float], Awaitable[Wire]],
        schema: Schema,
        shard_count: int,
        reply_timeout_s: float,
        policy: RoomPolicy | None = None,
    ) -> None:
        self._connect = connect
        self._schema = schema
        self._shard_count = shard_count
        self._reply_timeout_s = reply_timeout_s
        self._wire: Wire | None = None
        self._look = server_state.read(shard_count)
        self._looked_at = 0.0
        self._sent_bytes = 0
        self.room = Room(policy or RoomPolicy())
        self.level = AckLevel.MEMORY
        self.evicts = False

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

        In the same round trip the settings are read after the commands, so that a promise rests on
        what held for them; and the server is looked at before them, when the last look is too old.
        """
        wire = self._wire
        if wire is None:
            raise Lost("not connected", [])
        is_due = self._is_look_due()
        if not (is_due or replies):
            return []
        looks = server_state.REPLIES if is_due else 0
        asked = (self._look, *buffers) if is_due else buffers
        try:
            self._sent_bytes += sum(map(len, buffers))
            patience_s = min(timeout_s, self._reply_timeout_s)
            received = await wire.exchange(
                (*asked, durability.READ), looks + replies + 1, patience_s
            )
        except Lost as lost:
            self._wire = None
            lost.replies = self._without_look(lost.replies, looks)
            raise
        told = received.pop()
        received = self._without_look(received, looks)
        self.level, self.evicts = durability.level(told), durability.evicts(told)
        return received

    async def look(self, timeout_s: float) -> None:
        """Look at the server now; Lost as in `send`."""
        self._looked_at = 0.0
        await self.send((), 0, timeout_s)

    async def close(self) -> None:
        """End the connection; nothing may be in flight."""
        if self._wire is not None:
            await self._wire.close()
            self._wire = None

    async def _prepare(self, wire: Wire, timeout_s: float) -> None:
        looks = server_state.REPLIES
        fingerprint, text = self._schema.fingerprint.hex().encode(), self._schema.text.encode()
        asked = (
            self._look,
            command(b"GET", COUNT_KEY.encode()),
            command(b"HSETNX", SCHEMA_KEY.encode(), fingerprint, text),
            command(b"HEXISTS", SCHEMA_KEY.encode(), fingerprint),
        )
        replies = await wire.exchange(asked, len(asked) - 1 + looks, timeout_s)
        count, stored, exists = self._without_look(replies, looks)
        check_count(count if isinstance(count, bytes) else None, self._shard_count)
        # A full server refuses HSETNX, which does no harm where the text is already.
        if exists != 1:
            error = first_error([stored, exists])
            raise refusal(error) if error else Retryable("the schema's text was not stored")

    def _is_look_due(self) -> bool:
        age_s = time.monotonic() - self._looked_at
        return age_s >= self.room.look_again_s or self._sent_bytes >= self.room.look_again_bytes

    def _without_look(self, replies: list[Reply], looks: int) -> list[Reply]:
        """Take the look's replies off the front; one that was cut off says nothing."""
        if looks and len(replies) >= looks:
            state = server_state.parse(replies[:looks])
            self.level = state.level
            self._looked_at = time.monotonic()
            self._sent_bytes = 0
            self.room.see(state)
        return replies[looks:]
