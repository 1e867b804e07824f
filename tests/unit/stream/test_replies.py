"""Replies as they come in: whole, in pieces, errors among them, too late, and not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import hiredis
import pytest
from ingest.stream.replies import ErrorReply, Replies

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE_S = 20.0


class Transport(asyncio.Transport):
    """A transport that answers each write with pieces of its own; None ends the connection."""

    def __init__(self, *pieces: bytes | None) -> None:
        super().__init__()
        self._pieces = list(pieces)
        self._loop = asyncio.get_running_loop()
        self.written = b""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Speak to it."""
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def writelines(self, list_of_data: Sequence[bytes]) -> None:  # type: ignore[override]
        """Note what is written and begin to answer."""
        self.written += b"".join(list_of_data)
        for piece in self._pieces:
            self._loop.call_soon(self._receive, piece)
        self._pieces.clear()

    def abort(self) -> None:
        """End it."""
        self._loop.call_soon(self._receive, None)

    def _receive(self, piece: bytes | None) -> None:
        if piece is None:
            self._protocol.connection_lost(None)
        else:
            self._protocol.data_received(piece)


def received(
    *pieces: bytes | None, replies: int, timeout_s: float = PATIENCE_S
) -> tuple[list[object], Exception | None]:
    """Exchange something; give the replies and what ended it."""

    async def run() -> tuple[list[object], Exception | None]:
        transport = Transport(*pieces)
        found = Replies(transport)
        failure: Exception | None = None
        try:
            await found.exchange([b"PING", b"\r\n"], replies, timeout_s)
        except (OSError, hiredis.ProtocolError) as error:
            failure = error
        assert transport.written == b"PING\r\n"
        return list(found.received), failure

    return asyncio.run(run())


def test_replies_come_in_any_pieces() -> None:
    text = b"+OK\r\n:7\r\n$3\r\nabc\r\n*2\r\n$-1\r\n:1\r\n"
    for size in range(1, len(text) + 1):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert received(*pieces, replies=4) == ([b"OK", 7, b"abc", [None, 1]], None)


def test_an_error_is_a_reply_at_any_depth() -> None:
    found, failure = received(b"-OOM no room\r\n*1\r\n-ERR\r\n", replies=2)
    assert found == [ErrorReply("OOM", "no room"), [ErrorReply("ERR", "")]]
    assert failure is None


@pytest.mark.parametrize(
    ("end", "kind"),
    [(None, ConnectionResetError), (b"?nonsense\r\n", hiredis.ProtocolError)],
    ids=["closed", "nonsense"],
)
def test_what_came_before_the_end_is_kept(end: bytes | None, kind: type[Exception]) -> None:
    found, failure = received(b"+OK\r\n:1\r\n", end, replies=3)
    assert found == [b"OK", 1]
    assert isinstance(failure, kind)


def test_a_silent_server_is_not_waited_for() -> None:
    found, failure = received(b"+OK\r\n", replies=2, timeout_s=0.01)
    assert found == [b"OK"]
    assert isinstance(failure, TimeoutError)


def test_nothing_is_sent_after_the_end() -> None:
    async def run() -> None:
        transport = Transport(None)
        replies = Replies(transport)
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                await replies.exchange([b"x"], 1, PATIENCE_S)
        assert transport.written == b"x"

    asyncio.run(run())
