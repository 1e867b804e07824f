"""Limits by address: exact for each, bounded in memory."""

from __future__ import annotations

import pytest
from ingest.addresses import AddressLimit


def asked(limit: AddressLimit, address: str, now_s: float, times: int) -> int:
    """Count how many of so many requests are let through."""
    return sum(limit.wait_s(address, now_s) == 0 for _ in range(times))


def test_a_minute_at_once_and_then_the_rate() -> None:
    limit = AddressLimit(60)
    assert asked(limit, "192.0.2.1", 0.0, 100) == 60
    assert limit.wait_s("192.0.2.1", 0.0) == pytest.approx(1.0)
    assert asked(limit, "192.0.2.1", 10.0, 100) == 10
    assert asked(limit, "192.0.2.1", 1000.0, 100) == 60


def test_addresses_are_apart_and_networks_of_one_customer_are_not() -> None:
    limit = AddressLimit(10)
    assert asked(limit, "192.0.2.1", 0.0, 20) == 10
    assert asked(limit, "192.0.2.2", 0.0, 20) == 10
    assert asked(limit, "2001:db8::1", 0.0, 20) == 10
    assert asked(limit, "2001:db8::ffff:1", 0.0, 20) == 0
    assert asked(limit, "2001:db8:0:1::1", 0.0, 20) == 10


def test_what_is_no_address_is_one() -> None:
    limit = AddressLimit(10)
    assert asked(limit, "", 0.0, 5) == 5
    assert asked(limit, "unix:", 0.0, 10) == 5


def test_nought_bounds_nothing() -> None:
    assert asked(AddressLimit(0), "192.0.2.1", 0.0, 1000) == 1000


def test_memory_is_bounded_and_the_quiet_are_forgotten_first() -> None:
    limit = AddressLimit(1, most_addresses=3)
    for last in range(1, 4):
        assert asked(limit, f"192.0.2.{last}", 0.0, 1) == 1
    assert asked(limit, "192.0.2.4", 0.0, 1) == 1
    assert asked(limit, "192.0.2.2", 0.0, 1) == 0, "known still"
    assert asked(limit, "192.0.2.1", 0.0, 1) == 1, "forgotten"
