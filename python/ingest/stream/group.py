"""Joins waiting batches into entries, and entries into one transaction a shard.

Many requests may share an entry; a request is never split over two. Batches with ids that a client
can repeat and batches without stay in entries of their own, because a consumer copies the two
kinds apart. No IO here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest import metrics
from ingest._native import pack_entry
from ingest.stream import shards
from ingest.stream.command import ShardCommands

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingest.settings import Settings
    from ingest.stream.backlog import Waiting
    from ingest.stream.producer import Producer


_bytes, _events = metrics.ENTRY_BYTES.of(), metrics.ENTRY_EVENTS.of()


@dataclass(frozen=True, slots=True)
class EntryPolicy:
    """What a grouper is told; it never changes while one lives."""

    own_shard: int
    shard_count: int
    entry_bytes: int
    compress: bool

    @classmethod
    def of(cls, settings: Settings, worker: int) -> EntryPolicy:
        """Take the policy of the worker with this index out of the settings."""
        return cls(
            shards.of_worker(worker, settings.shards),
            settings.shards,
            settings.entry_bytes,
            settings.entry_codec == "lz4",
        )


class Transaction:
    """What one shard gets of a group: packed once, so that sending it again sends the same."""

    __slots__ = ("batches", "buffers", "entries", "is_unknown")

    def __init__(self, batches: list[Waiting], buffers: list[bytes], entries: int) -> None:
        self.batches = batches
        self.buffers = buffers
        self.entries = entries
        # True once it was written and its answer did not come: it may be stored.
        self.is_unknown = False


class Grouper:
    """Forms the transactions of one worker; the state is the producer's sequence alone."""

    def __init__(self, producer: Producer, fingerprint: bytes, policy: EntryPolicy) -> None:
        self._producer = producer
        self._fingerprint = fingerprint
        self._policy = policy
        self._commands = [ShardCommands(shard) for shard in range(policy.shard_count)]

    def form(self, waiting: Iterable[Waiting]) -> list[Transaction]:
        """Pack the batches, in the order of their arrival, into as few entries as may be."""
        by_shard: defaultdict[int, list[Waiting]] = defaultdict(list)
        for one in waiting:
            by_shard[shards.choose(one.batch, self._policy.own_shard, len(self._commands))].append(
                one
            )
        return [self._transaction(shard, members) for shard, members in by_shard.items()]

    def _transaction(self, shard: int, members: list[Waiting]) -> Transaction:
        entries = [self._pack(run) for run in self._runs(members)]
        counts: Counter[tuple[bytes, int]] = Counter()
        for one in members:
            counts[one.project_id, one.hour] += one.batch.rows
        fields = {
            shards.AcceptedField(self._producer.id, *key).encode(): rows
            for key, rows in counts.items()
        }
        buffers = self._commands[shard].append(entries, fields)
        return Transaction(members, buffers, len(entries))

    def _runs(self, members: list[Waiting]) -> Iterator[list[Waiting]]:
        """Cut the two kinds into runs of at most an entry's bytes; a larger batch stays alone."""
        open_runs: dict[int, list[Waiting]] = {}
        sizes: Counter[int] = Counter()
        for one in members:
            kind, nbytes = one.batch.flags, one.batch.nbytes
            if sizes[kind] and sizes[kind] + nbytes > self._policy.entry_bytes:
                yield open_runs.pop(kind)
                sizes[kind] = 0
            open_runs.setdefault(kind, []).append(one)
            sizes[kind] += nbytes
        yield from open_runs.values()

    def _pack(self, run: list[Waiting]) -> tuple[bytes, bytes]:
        header, data = pack_entry(
            [one.batch for one in run],
            self._fingerprint,
            self._producer.id,
            self._producer.next_sequence(),
            compress=self._policy.compress,
        )
        _bytes.observe(len(header) + len(data))
        _events.observe(sum(one.batch.rows for one in run))
        return header, data
