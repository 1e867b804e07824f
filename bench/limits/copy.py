"""The limit of storing: ready tuples by COPY BINARY, 10,000 a transaction, into the same table.

In arrival order, as the kernel made them; nothing reads a stream or moves a position.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from secrets import token_bytes
from typing import TYPE_CHECKING

from ingest import _native
from ingest.local.postgres import EmbeddedPostgres
from ingest.store import copy, partitions, session
from ingest.store.migrations import migrate

from bench import usage
from bench.workload import STRESS_BATCH, Workload, batch_body

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.store.session import Connection

ROWS = 10_000
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
#: Distinct bodies; ids and with them all tuples are new each time.
BODIES = 200
BACK_DAYS, AHEAD_DAYS = 30, 2
START_S = 60.0


def measure(directory: Path, rows: int) -> dict[str, float]:
    """Copy that many rows; CPU counts the client and every process of PostgreSQL."""
    server = EmbeddedPostgres(directory)
    server.prepare()
    server.start()
    try:
        server.wait_ready(START_S)
        migrate(server.dsn)
        with session.connect(server.dsn, "bench limit") as connection:
            days = partitions.window(connection, BACK_DAYS, AHEAD_DAYS)
            partitions.ensure(connection, days)
            return _copied(connection, {"postgres": server.pid or 0}, list(chunks(rows)))
    finally:
        server.stop(30.0)


def chunks(rows: int) -> list[bytes]:
    """Encode events of the reference mix: one COPY stream for each transaction."""
    workload = Workload(2, datetime.now(UTC))
    bodies = [batch_body(workload.batch(STRESS_BATCH)) for _ in range(BODIES)]
    encoder = _native.Encoder(_native.Schema.builtin(), _native.Limits(), seed=token_bytes(32))
    project, batches = token_bytes(16), ROWS // STRESS_BATCH
    return [
        HEADER
        + b"".join(
            encoder.encode(
                bodies[(chunk * batches + index) % BODIES],
                project,
                time.time_ns() // 1000,
                _native.SHAPE_BATCH,
            ).tuples
            for index in range(batches)
        )
        for chunk in range(rows // ROWS)
    ]


def _copied(connection: Connection, pids: dict[str, int], streams: list[bytes]) -> dict[str, float]:
    rows = len(streams) * ROWS
    before_s, own_s, began = usage.cpu_s(pids)["postgres"], time.process_time(), time.monotonic()
    for stream in streams:
        with connection.transaction():
            copy.straight(connection, stream)
    elapsed_s = time.monotonic() - began
    client_s, server_s = time.process_time() - own_s, usage.cpu_s(pids)["postgres"] - before_s
    found = connection.execute("SELECT count(*) FROM event").fetchone()
    if found != (rows,):
        raise RuntimeError(f"{rows} rows were copied, the table holds {found}")
    return {
        "rows": float(rows),
        "rows_s": rows / elapsed_s,
        "cpu_us_row": 1e6 * (client_s + server_s) / rows,
        "client_cpu_us_row": 1e6 * client_s / rows,
        "bytes_row": sum(map(len, streams)) / rows,
    }
