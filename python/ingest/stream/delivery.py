"""Gets one group's transactions into Valkey, and tells each request what became of it.

When the connection is lost the same entries (same event ids) are sent again on a new one for at
most `resend_s`; the table's key stops a second copy. An entry that was answered with an error is
not stored, and one that was sent and never answered may be: the client is told which. So may one
be that a server took which evicts what is unread: it is told the same, and no more is sent there.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ingest import metrics
from ingest.errors import IngestError, NeedsPerson, OutcomeUnknown, Retryable, StreamRefused
from ingest.stream.backoff import Backoff
from ingest.stream.command import reply_count, verdict
from ingest.stream.connection import Lost

if TYPE_CHECKING:
    from ingest.stream.group import Transaction
    from ingest.stream.link import Link
    from ingest.stream.replies import Reply

CANNOT_SEND = (Retryable, NeedsPerson, StreamRefused)
# Why a transaction that was executed is no promise: the settings behind it were not told, or bad.
UNTOLD = Retryable("no reply")
EVICTED = StreamRefused("stream_misconfigured", "Valkey may evict what nobody has read")


async def deliver(
    link: Link, transactions: list[Transaction], resend_s: float
) -> IngestError | None:
    """Send a group until each transaction has its answer or `resend_s` has passed.

    Every future of the group is done afterwards. Gives why it was given up, or None.
    """
    backoff = Backoff(resend_s)
    while True:
        error: IngestError = Retryable("Valkey is not ready")
        try:
            if not link.is_open:
                await link.open(backoff.left_s)
            transactions = await _attempt(link, transactions, backoff.left_s)
        except CANNOT_SEND as failure:
            error = failure
        if not transactions:
            return None
        if backoff.is_over():
            for one in transactions:
                _refuse(one, refusal(error))
            return error
        metrics.RETRIES.counts["append",] += 1
        await backoff.sleep()


def refusal(error: IngestError) -> StreamRefused:
    """Put why nothing can be sent in the terms of an answer; a new object for each use."""
    if isinstance(error, StreamRefused):
        return StreamRefused(error.code, str(error))
    code = "stream_misconfigured" if isinstance(error, NeedsPerson) else "stream_unavailable"
    return StreamRefused(code, str(error))


async def _attempt(
    link: Link, transactions: list[Transaction], timeout_s: float
) -> list[Transaction]:
    """Write all once; gives those that must be sent again."""
    buffers = [buffer for one in transactions for buffer in one.buffers]
    expected = sum(reply_count(one.entries) for one in transactions)
    try:
        replies = await link.send(buffers, expected, timeout_s)
    except Lost as lost:
        return _settle(link, transactions, lost.replies, UNTOLD)
    if not link.evicts:
        return _settle(link, transactions, replies)
    with suppress(Lost):
        await link.look(timeout_s)  # so that nothing more is taken
    return _settle(link, transactions, replies, EVICTED)


def _settle(
    link: Link,
    transactions: list[Transaction],
    replies: list[Reply],
    doubt: IngestError | None = None,
) -> list[Transaction]:
    """Answer each that has its replies, unless there is a doubt about all; give the rest."""
    rest = []
    for one in transactions:
        count = reply_count(one.entries)
        own, replies = replies[:count], replies[count:]
        error = verdict(own, one.entries) if len(own) == count else UNTOLD
        if error is None:
            error = doubt
        one.is_unknown = one.is_unknown or error in {UNTOLD, EVICTED}
        if error is None:
            _acknowledge(one, link)
        elif isinstance(error, Retryable):
            rest.append(one)
        else:
            _refuse(one, error)
    return rest


def _acknowledge(transaction: Transaction, link: Link) -> None:
    for one in transaction.batches:
        if not one.answer.done():
            one.answer.set_result(link.level)


def _refuse(transaction: Transaction, error: IngestError) -> None:
    """Tell why nothing was stored; once an answer was missed, only that nobody knows."""
    if transaction.is_unknown:
        error = OutcomeUnknown(f"sent, and nobody knows what became of it ({error})")
    for one in transaction.batches:
        if not one.answer.done():
            one.answer.set_exception(error)
