"""What is refused for PostgreSQL's sake: it refuses that too, or the bound here is stricter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from ingest._native import SHAPE_EVENT, Encoder, Limits, Schema
from ingest.store import partitions

from tests.integration import copy_target
from tests.integration.random_events import SCHEMA
from tests.unit.native import twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.local.postgres import EmbeddedPostgres
    from ingest.store.session import Connection

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW_US = 1_795_435_200_000_000
PROJECT = bytes(range(16))
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
PLACE = "@@@@@@@@"
BEYOND_INT64_US = (2**63 - 1).to_bytes(8, "big")

#: Property's text -> (the encoder's code, whether PostgreSQL refuses it too).
VALUES = {
    r'"\u0000"': ("nul_character", True),
    r'{"\u0000":1}': ("nul_character", True),
    r'"\ud800"': ("lone_surrogate", True),
    r'"\udc00\ud800"': ("lone_surrogate", True),
    r'"\ud800\ud800"': ("lone_surrogate", True),
    r'{"\ud83dx":1}': ("lone_surrogate", True),
    "1e131072": ("number_out_of_range", True),
    "1e99999999999999999999": ("number_out_of_range", True),
    "1e-99999": ("number_out_of_range", True),
    "1e309": ("number_out_of_range", False),
    "9" * 101: ("number_too_long", False),
    "[" * 31 + "]" * 31: ("too_deep", False),
    "[" * 20_000 + "]" * 20_000: ("too_deep", True),
    "01": ("malformed_json", True),
    "+1": ("malformed_json", True),
    "1.": ("malformed_json", True),
    "NaN": ("malformed_json", True),
    "Infinity": ("malformed_json", True),
    "'x'": ("malformed_json", True),
    r'"\x41"': ("malformed_json", True),
    '"\t"': ("malformed_json", True),
    "[1,]": ("malformed_json", True),
    "1//": ("malformed_json", True),
    "": ("malformed_json", True),
}

#: Bytes of a text column -> the encoder's code. PostgreSQL refuses them all.
TEXTS = {
    b"a\0b": "malformed_json",
    b"\xff": "invalid_utf8",
    b"\xc0\x80": "invalid_utf8",
    b"\xed\xa0\x80": "invalid_utf8",
    b"\xf4\x90\x80\x80": "invalid_utf8",
    b"\xe2\x82": "invalid_utf8",
}


@pytest.fixture(scope="module")
def connection(postgres: EmbeddedPostgres) -> Iterator[Connection]:
    with copy_target.make(postgres, "refusals_live") as connection:
        partitions.ensure(connection, [NOW_US // 86_400_000_000])
        yield connection
        connection.execute("DROP SCHEMA refusals_live CASCADE")


@pytest.fixture(autouse=True)
def empty(connection: Connection) -> None:
    connection.execute("TRUNCATE event")


def code(body: bytes) -> str:
    """The encoder's word on a body that is one event."""
    encoder = Encoder(Schema(SCHEMA), Limits(), seed=bytes(32))
    return encoder.encode(body, PROJECT, NOW_US, SHAPE_EVENT).code


def tuple_of(properties: str = "{}", user_id: str | None = None) -> bytes:
    return twin.tuple_bytes(
        event_id=UUID(int=1),
        project_id=PROJECT,
        timestamp=NOW,
        received_at_us=NOW_US,
        event_type="a",
        user_id=user_id,
        session_id=None,
        properties=properties,
    )


def with_text(text: bytes) -> bytes:
    """A tuple whose user_id has these bytes, which psycopg itself would not send."""
    whole = tuple_of(user_id=PLACE)
    at = whole.index(PLACE.encode())
    return whole[: at - 4] + len(text).to_bytes(4, "big") + text + whole[at + len(PLACE) :]


def is_refused(connection: Connection, tuple_: bytes) -> bool:
    """Whether PostgreSQL refuses a COPY of the tuple; the table stays empty then."""
    try:
        copied = copy_target.copy(connection, COPY_HEADER + tuple_)
    except (psycopg.DataError, psycopg.OperationalError, psycopg.IntegrityError):
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (0,)
        return True
    assert copied == 1
    return False


def test_the_tuple_itself_is_good(connection: Connection) -> None:
    assert not is_refused(connection, with_text(b"text"))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:20] or "empty")
def test_values(connection: Connection, value: str) -> None:
    expected, is_refused_there = VALUES[value]
    properties = f'{{"k":{value}}}'
    body = f'{{"event_type":"a","properties":{properties}}}'
    assert code(body.encode()) == expected
    assert is_refused(connection, tuple_of(properties)) is is_refused_there


@pytest.mark.parametrize("text", TEXTS)
def test_texts(connection: Connection, text: bytes) -> None:
    assert code(b'{"event_type":"a","user_id":"%b"}' % text) == TEXTS[text]
    assert is_refused(connection, with_text(text))


@pytest.mark.parametrize(
    "timestamp", [BEYOND_INT64_US, bytes([0x80]) + bytes(7), bytes([0x7F]) + bytes(7)]
)
def test_timestamps(connection: Connection, timestamp: bytes) -> None:
    good = tuple_of()
    assert is_refused(connection, good[:46] + timestamp + good[54:])
    assert code(b'{"event_type":"a","timestamp":"+294277-01-01T00:00:00Z"}') == "invalid_timestamp"


def test_what_postgres_takes_as_it_is(connection: Connection) -> None:
    properties = '{"a":1,"a":2,"n":1e308,"t":"\\u0001\\ud83d\\ude00"}'
    assert code(f'{{"event_type":"a","properties":{properties}}}'.encode()) == "accepted"
    assert not is_refused(connection, tuple_of(properties))
    assert connection.execute("SELECT properties->>'a' FROM event").fetchone() == ("2",)
