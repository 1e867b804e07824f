"""How far the stream and the table are: read through the operator's doors, a new one each time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

import psycopg
import redis
from ingest.stream.shards import AcceptedField, accepted_key, counted_key, stream_key
from psycopg.conninfo import make_conninfo

from bench.crash.faults import stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.crash.stack import Stack

#: What can go wrong while a server is away.
AWAY = (psycopg.Error, redis.RedisError, OSError)
PATIENCE = "-c statement_timeout=5000"
HOUR_S = 3600
ROWS_AT_ONCE = 20_000
LEDGER: LiteralString = """
    SELECT project_id, extract(epoch FROM hour)::bigint, accepted, stored, duplicates, dead
    FROM ledger
"""
FOLDS: LiteralString = "SELECT shard, data_set, number, fields, rows FROM fold"


class Line(NamedTuple):
    """What the ledger counts by: a project (in hexadecimal) and a unix hour."""

    project: str
    hour: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Both sides of the ledger, by line."""

    accepted: Counter[Line]
    stored: Counter[Line]
    duplicates: Counter[Line]
    dead: Counter[Line]

    def unequal(self) -> dict[Line, int]:
        """Give accepted less settled, where they differ; right only when nothing is under way."""
        settled = self.stored + self.duplicates + self.dead
        lines = self.accepted.keys() | settled.keys()
        differences = {line: self.accepted[line] - settled[line] for line in lines}
        return {line: difference for line, difference in differences.items() if difference}


def database(stack: Stack) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect to PostgreSQL; a statement that takes long is given up."""
    conninfo = make_conninfo(stack.run.dsn, connect_timeout=5, options=PATIENCE)
    return psycopg.connect(conninfo, autocommit=True)


def shards(stack: Stack) -> int:
    """Give how many shards there are."""
    with database(stack) as connection:
        row = connection.execute("SELECT value::int FROM setting WHERE name = 'shards'").fetchone()
    assert row is not None
    return int(row[0])


def last_ids(stack: Stack, count: int) -> list[tuple[int, int]]:
    """Give the id of each stream's newest entry."""
    with stream.connect(stack) as client:
        return [
            _number(client.xinfo_stream(stream_key(n))["last-generated-id"]) for n in range(count)
        ]


def are_stored(stack: Stack, upto: list[tuple[int, int]]) -> bool:
    """Tell whether each shard's position has come so far."""
    with database(stack) as connection:
        rows = connection.execute("SELECT entry_id FROM position ORDER BY shard").fetchall()
    return all(_number(row[0]) >= last for row, last in zip(rows, upto, strict=True))


def balance(stack: Stack, count: int) -> Balance:
    """Read both sides of the ledger."""
    accepted = counted(stack, count)
    fates: tuple[Counter[Line], ...] = (Counter(), Counter(), Counter())
    with database(stack) as connection:
        for project, hour, *counts in connection.execute(LEDGER):
            for fate, rows in zip((accepted, *fates), counts, strict=True):
                fate[Line(project.hex, int(hour) // HOUR_S)] += int(rows)
    return Balance(accepted, *fates)


def counted(stack: Stack, count: int) -> Counter[Line]:
    """Read what Valkey counted, also one that was replaced, less what the ledger has by now."""
    found = Counter(stack.servers.carried if stack.servers else {})
    with database(stack) as connection:
        folds = {shard: rest for shard, *rest in connection.execute(FOLDS)}
    with stream.connect(stack) as client:
        for shard in range(count):
            data_set, folded = client.hmget(counted_key(shard), "data_set", "folded")
            found.update(_lines(client.hgetall(accepted_key(shard))))
            last_set, number, names, rows = folds.get(shard, ("", 0, [], []))
            is_half_done = data_set == last_set.encode() and int(folded or 0) == number - 1
            if is_half_done:
                found.subtract(_lines(dict(zip(map(str.encode, names), rows, strict=True))))
    return found


def _lines(fields: Mapping[bytes, Any]) -> Counter[Line]:
    found: Counter[Line] = Counter()
    for name, rows in fields.items():
        field = AcceptedField.decode(name)
        found[Line(field.project_id.hex(), field.hour)] += int(rows)
    return found


def rows(stack: Stack, marker: str) -> Iterator[tuple[bytes, str | None]]:
    """Give each row's id and the value of a property."""
    with psycopg.connect(stack.run.dsn) as connection, connection.cursor("rows") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute("SELECT event_id, properties->>%s FROM event", (marker,))
        for event_id, value in cursor:
            yield event_id.bytes, value


def _number(entry_id: bytes | str) -> tuple[int, int]:
    text = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    milliseconds, _, sequence = text.partition("-")
    return int(milliseconds), int(sequence)
