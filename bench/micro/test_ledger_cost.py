"""What counting accepted events costs Valkey: appends with the script and without, in turn.

A lone event is the dearest case; a group of entries from one project pays once for all of them.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from ingest.stream import shards
from ingest.stream.command import ShardCommands, reply_count
from ingest.stream.connection import connect
from ingest.stream.shards import AcceptedField

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis

RUNS = 7
HEADER = bytes(52)
#: An event's tuple, and what 200 of them take when packed.
LONE_BYTES, BATCH_BYTES = 300, 20_000
ROUNDS, TIMES = 5, 100


class Case(NamedTuple):
    """One kind of append; `most` is how much dearer counting may make it."""

    name: str
    entries: int
    nbytes: int
    lines: int
    most: float


CASES = (
    Case("lone", 1, LONE_BYTES, 1, 8.0),
    Case("group", 16, BATCH_BYTES, 1, 2.5),
    Case("projects", 16, BATCH_BYTES, 16, 3.5),
)


class Uncounted(ShardCommands):
    """The same append without the script."""

    def _count(self, counts: Mapping[bytes, int]) -> bytes:
        del counts
        return b""


def exec_us(client: Redis, buffers: list[bytes], replies: int) -> float:
    """Send one transaction again and again; give the least of the server's times for it."""
    client.flushall()
    shards.create(client, 0, "0-0")
    connection: Any = client.connection_pool.get_connection()
    times = []
    for _ in range(ROUNDS):
        client.config_resetstat()
        for _ in range(TIMES):
            connection.send_packed_command(buffers, check_health=False)
            for _ in range(replies):
                connection.read_response()
        stats: Any = client.info("commandstats")
        times.append(float(stats["cmdstat_exec"]["usec_per_call"]))
    client.connection_pool.release(connection)
    return min(times)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cost_of_counting(
    server: EmbeddedValkey, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """The counts are right, and the server's time stays in its bound."""
    entries = [(HEADER, bytes(case.nbytes))] * case.entries
    fields = [AcceptedField(7, bytes([n] * 16), 500_000).encode() for n in range(case.lines)]
    bare = Uncounted(0).append(entries, {})
    whole = ShardCommands(0).append(entries, dict.fromkeys(fields, 200))
    replies = reply_count(case.entries)
    with connect(server.url, name="bench") as client:
        pairs = [
            (exec_us(client, bare, replies - 1), exec_us(client, whole, replies))
            for _ in range(RUNS)
        ]
        counts: Any = client.hvals(shards.accepted_key(0))
    assert [int(count) for count in counts] == [200 * TIMES * ROUNDS] * case.lines
    without, counted = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = [counted / without for without, counted in pairs]
    with capsys.disabled():
        print(
            f"\n{case.name}: {without:.1f} µs of the server without, {counted:.1f} with counting, "
            f"{statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"
        )
    assert statistics.median(ratios) < case.most
