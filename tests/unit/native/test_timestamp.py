"""Timestamps beside `datetime`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.native.kernel import NOW, NOW_US, encode, free_form, rows

ENCODER = free_form()
#: The outer window, which holds for every schema.
MAX_AGE = timedelta(days=30)
MAX_AHEAD = timedelta(days=1)

instants = st.datetimes(
    (NOW - MAX_AGE - timedelta(days=2)).replace(tzinfo=None),
    (NOW + MAX_AHEAD + timedelta(days=2)).replace(tzinfo=None),
)
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)


def sent(text: str) -> tuple[str, int | None]:
    """Code and unix microseconds of an event with that timestamp."""
    batch = encode(ENCODER, f"[{json.dumps({'event_type': 'a', 'timestamp': text})}]")
    if batch.rejections:
        return batch.rejections[0][1], None
    (row,) = rows(batch)
    return batch.code, row.timestamp_us


def micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def expected(at: datetime) -> tuple[str, int | None]:
    if at < NOW - MAX_AGE:
        return "timestamp_too_old", None
    if at > NOW + MAX_AHEAD:
        return "timestamp_too_new", None
    return "accepted", micros(at)


@given(instants, offsets)
def test_with_an_offset(local: datetime, offset: timezone) -> None:
    at = local.replace(tzinfo=offset)
    assert sent(at.isoformat()) == expected(at)
    assert sent(at.isoformat(timespec="microseconds")) == expected(at)


@given(instants, st.sampled_from(["", "Z", "z", "+00:00", "-00:00"]), st.sampled_from("Tt"))
def test_utc(local: datetime, suffix: str, letter: str) -> None:
    text = local.isoformat().replace("T", letter) + suffix
    assert sent(text) == expected(local.replace(tzinfo=UTC))


@given(instants, st.text("0123456789", min_size=1, max_size=9))
def test_fractions_are_cut_to_microseconds(local: datetime, digits: str) -> None:
    at = local.replace(microsecond=int(digits[:6].ljust(6, "0")), tzinfo=UTC)
    text = f"{local.replace(microsecond=0).isoformat()}.{digits}Z"
    assert sent(text) == expected(at)


@given(st.text("0123456789-+:.TtZz ", max_size=40))
def test_anything_else_is_refused_or_agreed(text: str) -> None:
    code, found = sent(text)
    if code == "accepted":
        at = datetime.fromisoformat(text.upper())
        assert found == micros(at if at.tzinfo else at.replace(tzinfo=UTC))


def test_receive_time_stands_in() -> None:
    (row,) = rows(encode(ENCODER, '{"event_type":"a"}'))
    assert row.timestamp_us == row.received_at_us == NOW_US
