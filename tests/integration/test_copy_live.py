"""A million events that the encoder accepts go into PostgreSQL without a refusal, and come back."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ingest._native import SHAPE_NATIVE, Batch, Chunk, Encoder, Limits, Schema, pack_entry
from ingest.store import partitions

from tests.integration import copy_target
from tests.integration.random_events import SCHEMA, RandomEvents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.postgres import EmbeddedPostgres
    from ingest.store.session import Connection

EVENTS = 1_000_000
PER_BODY = 500
CHUNK_ROWS = 50_000
KEYED_EVERY = 7
SEED = 20_261_123
NOW = datetime(2026, 11, 23, 12, 34, 56, 789_012, tzinfo=UTC)
NOW_US = 1_795_437_296_789_012
PROJECT = bytes(range(16))
FINGERPRINT = bytes(8)
SAMPLED_EVERY = 20
SAMPLED_ROWS = 50

Sample = dict[bytes, dict[str, Any]]


@pytest.fixture
def connection(postgres: EmbeddedPostgres) -> Iterator[Connection]:
    with copy_target.make(postgres, "copy_live") as connection:
        yield connection
        connection.execute("DROP SCHEMA copy_live CASCADE")


@pytest.mark.slow
def test_a_million_events(connection: Connection) -> None:
    draw = random.Random(SEED)  # noqa: S311 - a test's choice
    chunk, sample, taken, stored = Chunk(), Sample(), 0, 0
    for number, (body, batch) in enumerate(encoded(), start=1):
        chunk.push(*pack_entry([batch], FINGERPRINT, 1, number, compress=number % 2 == 0))
        taken += batch.rows
        if number % SAMPLED_EVERY == 0:
            sample |= drawn(batch, body, draw)
        if chunk.rows >= CHUNK_ROWS or taken >= EVENTS:
            stored += store(connection, chunk)
            chunk = Chunk()
        if taken >= EVENTS:
            break
    assert stored == taken
    assert connection.execute("SELECT count(*) FROM event").fetchone() == (taken,)
    check(connection, sample)


def encoded() -> Iterator[tuple[str, Batch]]:
    """Bodies and batches; every so-many-th request has a key, so that its events have derived ids.

    All is accepted but an event with a key and without a timestamp.
    """
    encoder = Encoder(Schema(SCHEMA), Limits(), seed=bytes(32))
    for number, body in enumerate(RandomEvents(SEED, NOW).bodies(PER_BODY)):
        key = None if number % KEYED_EVERY else f"key-{number}"
        batch = encoder.encode(body, PROJECT, NOW_US, SHAPE_NATIVE, idempotency_key=key)
        refused = {code for code, _ in batch.reject_counts}
        assert refused <= ({"timestamp_required"} if key else set()), batch.rejections[:3]
        assert batch.rows + len(batch.rejections) == PER_BODY
        yield body, batch


def drawn(batch: Batch, body: str, draw: random.Random) -> Sample:
    """A few events of the batch as they were sent, by id."""
    refused = {index for index, *_ in batch.rejections}
    events = [event for index, event in enumerate(parsed(body)) if index not in refused]
    pairs = list(zip(batch.event_ids, events, strict=True))
    return dict(draw.sample(pairs, SAMPLED_ROWS))


def store(connection: Connection, chunk: Chunk) -> int:
    """COPY both kinds of a chunk as they are."""
    partitions.ensure(connection, chunk.days)
    streams = [stream for stream in (chunk.straight, chunk.named) if stream]
    return sum(copy_target.copy(connection, stream) for stream in streams)


def check(connection: Connection, sample: Sample) -> None:
    """Read the sample back and compare it with what was sent."""
    rows = connection.execute(
        "SELECT event_id, project_id, timestamp, received_at, event_type, user_id, session_id,"
        " properties::text FROM event WHERE event_id = ANY(%s::uuid[])",
        ([id_.hex() for id_ in sample],),
    ).fetchall()
    assert len(rows) == len(sample)
    for event_id, project_id, timestamp, received_at, *texts, properties in rows:
        event = sample[event_id.bytes]
        sent_at = datetime.fromisoformat(event.get("timestamp", NOW.isoformat()).upper())
        assert project_id.bytes == PROJECT
        assert timestamp == (sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC))
        assert received_at == NOW
        assert texts == [event["event_type"], event.get("user_id"), event.get("session_id")]
        assert parsed(properties) == event.get("properties", {})


def parsed(text: str) -> Any:
    """JSON with exact numbers, as jsonb compares them."""
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)
