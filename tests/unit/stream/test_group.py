"""Which batches share an entry, and which shard they go to."""

from __future__ import annotations

import asyncio

from ingest._native import FLAG_NAMED, Batch, Chunk
from ingest.stream import shards
from ingest.stream.backlog import Waiting
from ingest.stream.group import EntryPolicy, Grouper, Transaction
from ingest.stream.producer import Producer

from tests.unit.stream.rig import PROJECT, SCHEMA, SHARDS, batch

OWN = 3
HEADER_BYTES = 52


def form(batches: list[Batch], entry_bytes: int = 1 << 18) -> list[Transaction]:
    entries = EntryPolicy(OWN, SHARDS, entry_bytes, compress=False)
    loop = asyncio.new_event_loop()
    waiting = [Waiting(one, PROJECT, 5, 0, loop.create_future()) for one in batches]
    loop.close()
    return Grouper(Producer(), SCHEMA.fingerprint, entries).form(waiting)


def headers(transaction: Transaction) -> list[tuple[bytes, int, int, int, int]]:
    sent = b"".join(transaction.buffers)
    starts = [at for at in range(len(sent)) if sent.startswith(b"ingE", at)]
    return [Chunk.peek(sent[at : at + HEADER_BYTES]) for at in starts]


def test_nothing_makes_nothing() -> None:
    assert form([]) == []


def test_small_batches_share_an_entry() -> None:
    (transaction,) = form([batch() for _ in range(50)])
    ((fingerprint, _, sequence, flags, rows),) = headers(transaction)
    assert (fingerprint, sequence, flags, rows) == (SCHEMA.fingerprint, 0, 0, 50)
    assert transaction.entries == 1


def test_an_entry_holds_no_more_than_it_may_and_a_batch_is_never_split() -> None:
    one = batch(10, padding=300)
    (transaction,) = form([one] * 5, entry_bytes=one.nbytes * 2)
    assert [rows for *_, rows in headers(transaction)] == [20, 20, 10]
    (alone,) = form([one, batch(), one], entry_bytes=1)
    assert [rows for *_, rows in headers(alone)] == [10, 1, 10]


def test_entries_are_numbered() -> None:
    one = batch(padding=1000)
    (transaction,) = form([one] * 3, entry_bytes=1)
    assert [sequence for _, _, sequence, _, _ in headers(transaction)] == [0, 1, 2]


def test_named_batches_stay_apart_and_go_where_their_hash_says() -> None:
    named = [batch(key=f"key-{index}") for index in range(20)]
    transactions = form([batch(), *named, batch()])
    kinds = [flags for one in transactions for _, _, _, flags, _ in headers(one)]
    assert kinds.count(0) == 1
    assert kinds.count(FLAG_NAMED) == len({one.shard_hash % SHARDS for one in named})


def test_a_repeated_request_goes_to_the_same_shard_from_any_worker() -> None:
    first, second = batch(key="again"), batch(key="again")
    for own in range(SHARDS):
        assert shards.choose(first, own, SHARDS) == shards.choose(second, own + 1, SHARDS)


def test_what_is_counted_is_by_project_and_hour() -> None:
    (transaction,) = form([batch(2), batch(3)])
    sent = b"".join(transaction.buffers)
    assert PROJECT.hex().encode() + b":5\r\n$1\r\n5\r\n" in sent
