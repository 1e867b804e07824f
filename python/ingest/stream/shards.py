"""The names of everything that ingest keeps in Valkey, and which shard takes a batch.

Each name holds a hash tag, so that a shard's stream and its counters lie on one node of a cluster.
Only a consumer creates a shard; a worker that finds none refuses the batch.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

from redis import WatchError

from ingest.errors import NeedsPerson
from ingest.plural import counted

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from ingest._native import Batch

COUNT_KEY = "ingest:shards"
SCHEMA_KEY = "ingest:schema"
KEYS_KEY = "ingest:keys"
QUOTA_WORKERS_KEY = "ingest:{quota}:workers"

# Nothing is read through it: XGROUP CREATE MKSTREAM is the command that makes an empty stream.
_CREATION_GROUP = "create"
_ZERO_ID = "0-0"
FLAG_NAMED = 1


class AcceptedField(NamedTuple):
    """What one field of a shard's `accepted` hash counts: a producer's events of an hour."""

    producer: int
    project_id: bytes
    hour: int

    def encode(self) -> bytes:
        """Write it as `<producer>:<project>:<hour>`, the ids in hexadecimal."""
        return b"%016x:%s:%d" % (self.producer, self.project_id.hex().encode(), self.hour)

    @classmethod
    def decode(cls, field: bytes) -> AcceptedField:
        """Read what `encode` wrote; ValueError for anything else."""
        producer, project, hour = field.split(b":")
        return cls(int(producer, 16), bytes.fromhex(project.decode()), int(hour))


def stream_key(shard: int) -> str:
    """Name the stream of a shard."""
    return f"ingest:{{{shard}}}"


def accepted_key(shard: int) -> str:
    """Name the hash that counts what workers appended to a shard."""
    return f"ingest:{{{shard}}}:accepted"


def counted_key(shard: int) -> str:
    """Name the hash that says what the counters of a shard are worth (stream/accepted.py)."""
    return f"ingest:{{{shard}}}:counted"


def hold_key(shard: int) -> str:
    """Name the key that keeps a shard from being trimmed while it is there."""
    return f"ingest:{{{shard}}}:hold"


def quota_key(project_id: bytes) -> str:
    """Name the hash of what a project has used of its plan (stream/quota.py)."""
    return f"ingest:{{quota}}:{project_id.hex()}"


def new_data_set() -> str:
    """Give counters that begin anew a name."""
    return secrets.token_hex(8)


def of_worker(worker: int, count: int) -> int:
    """Give the shard of a worker's own: far from the others', as consumers hold neighbours.

    Halves come first, then quarters (0, 2, 1, 3), so that two workers keep two consumers busy.
    """
    bits = (count - 1).bit_length()
    order = sorted(range(count), key=lambda shard: f"{shard:0{bits}b}"[::-1])
    return order[worker % count]


def choose(batch: Batch, own_shard: int, count: int) -> int:
    """Give the shard of a batch.

    Batches whose ids the client can repeat go by their hash, so that a retry through another
    worker meets its first copy in one consumer; the rest goes to the worker's own shard.
    """
    return batch.shard_hash % count if batch.flags & FLAG_NAMED else own_shard % count


def agree_on_count(client: Redis, count: int) -> None:
    """Keep the number of shards at the first start; NeedsPerson when it is another one later."""
    client.set(COUNT_KEY, count, nx=True)
    kept = client.get(COUNT_KEY)
    check_count(kept if isinstance(kept, bytes) else None, count)


def check_count(kept: bytes | None, count: int) -> None:
    """Compare the setting with what is kept in Valkey (None: nothing yet)."""
    if kept is not None and int(kept) != count:
        raise NeedsPerson(
            f"Valkey holds {counted(int(kept), 'shard')} and the setting says {count}: "
            "the number is fixed at the first start"
        )


def create(client: Redis, shard: int, last_id: str) -> bool:
    """Make the stream of a shard, its ids going on after `last_id`; False when it is there.

    One transaction: nobody sees it half made, and of two that race one does nothing. A stream that
    is not the first has lost what was counted before.
    """
    key = stream_key(shard)
    with client.pipeline() as pipe:
        pipe.watch(key)  # type: ignore[no-untyped-call]
        if pipe.exists(key):
            return False
        pipe.multi()
        pipe.xgroup_create(key, _CREATION_GROUP, id=_ZERO_ID, mkstream=True)
        pipe.xgroup_destroy(key, _CREATION_GROUP)
        pipe.hsetnx(counted_key(shard), "data_set", new_data_set())
        if last_id != _ZERO_ID:
            _go_on_after(pipe, shard, last_id)
        try:
            pipe.execute()
        except WatchError:
            return False
    return True


def go_on_after(client: Redis, shard: int, last_id: str) -> None:
    """Let no new id be at or below one, in a stream that has lost what came after its last."""
    with client.pipeline() as pipe:
        _go_on_after(pipe, shard, last_id)
        pipe.execute()


def _go_on_after(pipe: Pipeline, shard: int, last_id: str) -> None:
    pipe.execute_command("XSETID", stream_key(shard), last_id)  # type: ignore[no-untyped-call]
    pipe.hset(counted_key(shard), "since_ms", time.time_ns() // 1_000_000)
