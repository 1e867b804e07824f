"""Export: every event of a range once, in order, its values as they are stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest.store import partitions
from ingest.store.export import Place, Range, lines

from tests.unit.store.rows import DAY, OTHER, PROJECT

if TYPE_CHECKING:
    from ingest.store.session import Connection

NOON = datetime.fromtimestamp(DAY * 86_400 + 43_200, UTC)
A_DAY = timedelta(days=1)
INSERT = """
    INSERT INTO event (event_id, project_id, timestamp, received_at, event_type, properties)
    VALUES (%s, %s, %s, now(), 'x', %s::jsonb)
"""
END_BACKEND = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'ingest export' AND datname = current_database()
"""
SCALARS = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"))

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner))


def insert(
    connection: Connection,
    number: int,
    *,
    at: datetime = NOON,
    project: UUID = PROJECT,
    properties: str = "{}",
) -> None:
    partitions.ensure(connection, [int(at.timestamp() // 86_400)])
    connection.execute(INSERT, (UUID(int=number), project, at, properties))


def numbers(dsn: str, wanted: Range) -> list[int]:
    return [UUID(json.loads(found.line)["event_id"]).int for found in lines(dsn, wanted)]


def test_order_is_time_then_id(connection: Connection, dsn: str) -> None:
    for number, days in ((3, 0), (1, 0), (2, -1), (4, 1)):
        insert(connection, number, at=NOON + days * A_DAY)
    assert numbers(dsn, Range()) == [2, 1, 3, 4]


def test_a_range_has_its_start_and_not_its_end(connection: Connection, dsn: str) -> None:
    for number in range(4):
        insert(connection, number, at=NOON + number * A_DAY)
    assert numbers(dsn, Range(since=NOON + A_DAY, until=NOON + 3 * A_DAY)) == [1, 2]
    assert numbers(dsn, Range(until=NOON)) == []


def test_one_project(connection: Connection, dsn: str) -> None:
    insert(connection, 1)
    insert(connection, 2, project=OTHER)
    assert numbers(dsn, Range(OTHER)) == [2]
    assert numbers(dsn, Range(UUID(int=9))) == []


def test_it_goes_on_behind_an_event(connection: Connection, dsn: str) -> None:
    for number, minutes in ((5, 0), (1, 1), (2, 1), (3, 1440)):
        insert(connection, number, at=NOON + timedelta(minutes=minutes))
    after = Place(NOON + timedelta(minutes=1), UUID(int=1))
    assert numbers(dsn, Range(after=after)) == [2, 3]


def test_a_line_has_every_column(connection: Connection, dsn: str) -> None:
    insert(connection, 7, at=NOON.replace(microsecond=120))
    (found,) = lines(dsn, Range())
    event = json.loads(found.line)
    assert found.line.endswith(b"}\n")
    columns = ["event_id", "project_id", "event_type", "timestamp", "received_at", "user_id"]
    assert list(event) == [*columns, "session_id", "properties"]
    assert Place.of(found.line) == Place(NOON.replace(microsecond=120), UUID(int=7), PROJECT)
    assert (event["user_id"], event["session_id"]) == (None, None)


@pytest.mark.parametrize("number", ["1e308", "-0.1000", "123456789012345678901234567890.5"])
def test_numbers_keep_their_digits(connection: Connection, dsn: str, number: str) -> None:
    insert(connection, 1, properties=f'{{"n": {number}}}')
    (found,) = lines(dsn, Range())
    stored = connection.execute("SELECT properties->>'n' FROM event").fetchone()
    assert [json.loads(found.line, parse_float=str, parse_int=str)["properties"]["n"]] == list(
        stored or ()
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(KEYS, VALUES))
def test_properties_come_out_equal(
    connection: Connection, dsn: str, properties: dict[str, object]
) -> None:
    text = json.dumps(properties).replace("\\u0000", "")
    connection.execute("TRUNCATE event")
    insert(connection, 1, properties=text)
    (found,) = lines(dsn, Range())
    assert json.loads(found.line)["properties"] == json.loads(text)


def test_a_lost_connection_gives_every_line_once(connection: Connection, dsn: str) -> None:
    partitions.ensure(connection, [DAY + 1])
    connection.execute(
        "INSERT INTO event SELECT md5(i::text)::uuid, %s,"
        " %s::timestamptz + i %% 7 * interval '6 h', now(), 'x', NULL, NULL,"
        " jsonb_build_object('t', repeat('x', 1000)) FROM generate_series(1, 20000) AS i",
        (PROJECT, NOON - timedelta(hours=11)),
    )
    found, ended = [], 0
    for number, exported in enumerate(lines(dsn, Range())):
        found.append(exported.line)
        if number in {4000, 15_000}:
            ended += len(connection.execute(END_BACKEND).fetchall())
    assert ended == 2
    places = [Place.of(line) for line in found]
    assert len(set(places)) == len(found) == 20_000
    assert places == sorted(places)


def test_leaving_early_leaves_no_query_behind(connection: Connection, dsn: str) -> None:
    for number in range(3):
        insert(connection, number)
    reading = lines(dsn, Range())
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    with psycopg.connect(dsn) as other:
        assert other.execute(END_BACKEND).fetchall() == []
