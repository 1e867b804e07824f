"""Limits by address, for callers who can't be told apart otherwise; of one process, in memory.

Pure: no clock. An address that was quiet may ask a minute's worth at once.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

WINDOW_S = 60
# About 2 MB; who comes from more addresses than this is not stopped by their number.
MOST_ADDRESSES = 10_000
# What one customer of a network gets: its addresses count as one.
IPV6_PREFIX = 64


class AddressLimit:
    """How much each address has asked lately; those that were quiet for longest are forgotten."""

    def __init__(self, per_minute: int, most_addresses: int = MOST_ADDRESSES) -> None:
        """Allow so many requests a minute; 0 allows all."""
        self._per_minute = per_minute
        self._most_addresses = most_addresses
        self._empty_at_s: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, address: str, now_s: float) -> float:
        """Count a request and give 0, or give when to come back and count nothing."""
        due_s = self.due_s(address, now_s)
        if self._per_minute and not due_s:
            self._count(network(address), now_s)
        return due_s

    def due_s(self, address: str, now_s: float) -> float:
        """Tell when one more request may come: 0 when it may now; counts nothing."""
        if not self._per_minute:
            return 0.0
        over_s = self._empty_after_s(network(address), now_s) - now_s - WINDOW_S
        return over_s if over_s > WINDOW_S / self._per_minute / 1000 else 0.0

    def _empty_after_s(self, where: str, now_s: float) -> float:
        return max(self._empty_at_s.get(where, 0.0), now_s) + WINDOW_S / self._per_minute

    def _count(self, where: str, now_s: float) -> None:
        self._empty_at_s[where] = self._empty_after_s(where, now_s)
        self._empty_at_s.move_to_end(where)
        if len(self._empty_at_s) > self._most_addresses:
            self._empty_at_s.popitem(last=False)


def network(address: str) -> str:
    """Give what counts as one: an IPv4 address, a customer's IPv6 network; "" for what is none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if parsed.version == 4:  # noqa: PLR2004 - the protocol's name
        return address
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
