"""Connections to Valkey that never send anything twice by themselves.

redis-py by default retries ten times and blindly sends a whole pipeline again: four appends
became sixteen entries. Both kinds made here have no retries; whoever uses one decides.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import hiredis
import redis
from redis.asyncio.connection import ConnectionPool as AsyncConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

from ingest.errors import NeedsPerson, Retryable
from ingest.stream.replies import Replies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio.connection import AbstractConnection

    from ingest.stream.replies import Reply

CONNECT_TIMEOUT_S = 2.0
COMMAND_TIMEOUT_S = 5.0
# What a person must mend; any other failure to connect may pass by itself.
_LASTING = (redis.AuthenticationError, redis.exceptions.NoPermissionError)


class Lost(Retryable):
    """The connection ended or was silent too long; `replies` came before that.

    What was written and not answered may have been executed or not.
    """

    def __init__(self, message: str, replies: list[Reply]) -> None:
        super().__init__(message)
        self.replies = replies


def connect(url: str, *, name: str, timeout_s: float = COMMAND_TIMEOUT_S) -> redis.Redis:
    """Make a synchronous client; it connects with its first command.

    `timeout_s` bounds each reply, so it must be longer than any BLOCK that is asked for.
    """
    return redis.Redis.from_url(
        url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        client_name=name,
        driver_info=None,
    )


async def connect_async(url: str, *, name: str, timeout_s: float = CONNECT_TIMEOUT_S) -> Wire:
    """Connect, authenticate and give the raw connection; Retryable or NeedsPerson otherwise."""
    # Its own time-out stays off: redis-py would make a task for each write to keep it.
    pool = AsyncConnectionPool.from_url(
        url, protocol=2, socket_timeout=None, client_name=name, driver_info=None
    )
    connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    try:
        async with asyncio.timeout(timeout_s):
            await connection.connect()  # type: ignore[no-untyped-call]
    except _LASTING as error:
        raise NeedsPerson(f"Valkey refuses the connection: {error}") from error
    except (redis.RedisError, OSError, TimeoutError) as error:
        await _abandon(connection)
        raise Retryable(f"Valkey can't be reached: {str(error) or 'time-out'}") from error
    return Wire(connection)


class Wire:
    """One connection on which commands are written together and their replies read in order.

    Not for concurrent use: the appender has one exchange in flight at a time.
    """

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        # No part of the library's interface: its pinned version has it.
        writer: Any = connection._writer  # noqa: SLF001
        self._replies = Replies(writer.transport)

    async def exchange(
        self, buffers: Sequence[bytes], replies: int, timeout_s: float
    ) -> list[Reply]:
        """Write buffers that hold whole commands, uncopied, and read as many replies.

        An error reply is an element of the answer. Lost when not all of them came in time; the
        connection is closed then.
        """
        try:
            await self._replies.exchange(buffers, replies, timeout_s)
        except (hiredis.ProtocolError, OSError) as error:
            await _abandon(self._connection)
            raise Lost(f"Valkey's connection was lost: {error}", self._replies.received) from error
        return self._replies.received

    async def close(self) -> None:
        """End the connection; nothing may be in flight."""
        await _abandon(self._connection)


async def _abandon(connection: AbstractConnection) -> None:
    with suppress(redis.RedisError, OSError):
        await connection.disconnect(nowait=True)
