"""The bytes of an append, and how its replies are understood."""

from __future__ import annotations

import pytest
from ingest.errors import Retryable, ShardMissing, StreamRefused
from ingest.stream import command
from ingest.stream.command import COUNT_SCRIPT, JOIN_BYTES, ShardCommands, verdict
from ingest.stream.replies import ErrorReply, Reply

QUEUED: list[Reply] = [b"OK", b"QUEUED", b"QUEUED"]
ABORTED = ErrorReply("EXECABORT", "Transaction discarded because of previous errors.")


def test_a_transaction_has_these_bytes() -> None:
    buffers = ShardCommands(2).append([(b"head", b"data")], {b"a:b:1": 7})
    script = b"$%d\r\n%s" % (len(COUNT_SCRIPT), COUNT_SCRIPT)
    assert b"".join(buffers) == (
        b"*1\r\n$5\r\nMULTI\r\n"
        b"*8\r\n$4\r\nXADD\r\n$10\r\ningest:{2}\r\n$10\r\nNOMKSTREAM\r\n$1\r\n*\r\n"
        b"$1\r\nh\r\n$4\r\nhead\r\n$1\r\nd\r\n$4\r\ndata\r\n"
        b"*7\r\n$4\r\nEVAL\r\n" + script + b"\r\n$1\r\n2\r\n"
        b"$10\r\ningest:{2}\r\n$19\r\ningest:{2}:accepted\r\n$5\r\na:b:1\r\n$1\r\n7\r\n"
        b"*1\r\n$4\r\nEXEC\r\n"
    )


def test_a_large_value_is_a_buffer_of_its_own_and_not_copied() -> None:
    data = bytes(JOIN_BYTES + 1)
    buffers = ShardCommands(0).append([(b"h1", data), (b"h2", b"small")], {})
    assert [buffer is data for buffer in buffers] == [False, True, False]


def test_a_command_is_packed_as_the_protocol_says() -> None:
    assert command.command(b"GET", b"") == b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n"


def test_stored_when_every_entry_has_an_id() -> None:
    assert verdict([*QUEUED, b"QUEUED", [b"1-0", b"1-1", None]], 2) is None


def test_nil_means_that_no_consumer_has_made_the_shard() -> None:
    assert isinstance(verdict([*QUEUED, [None, None]], 1), ShardMissing)


@pytest.mark.parametrize("code", ["LOADING", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "BUSY"])
def test_what_passes_may_be_sent_again(code: str) -> None:
    replies: list[Reply] = [b"OK", ErrorReply(code, "..."), b"QUEUED", ABORTED]
    assert isinstance(verdict(replies, 1), Retryable)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("OOM", "stream_full"),
        ("MISCONF", "stream_misconfigured"),
        ("READONLY", "stream_misconfigured"),
        ("NOAUTH", "stream_misconfigured"),
        ("NOPERM", "stream_misconfigured"),
        ("ERR", "stream_misconfigured"),
    ],
)
def test_what_stays_is_told_to_the_client(code: str, told: str) -> None:
    error = verdict([b"OK", ErrorReply(code, "..."), b"QUEUED", ABORTED], 1)
    assert isinstance(error, StreamRefused)
    assert error.code == told


def test_an_abort_names_its_reason() -> None:
    text = "Transaction discarded because of: OOM command not allowed"
    error = verdict([*QUEUED, ErrorReply("EXECABORT", text)], 1)
    assert isinstance(error, StreamRefused)
    assert error.code == "stream_full"


def test_an_error_inside_the_transaction_is_found() -> None:
    wrong_type = ErrorReply("WRONGTYPE", "...")
    assert isinstance(verdict([*QUEUED, [wrong_type, wrong_type]], 1), StreamRefused)
