"""Datagrams of the edge: whose are believed, and what is read from them."""

from __future__ import annotations

import pytest
from ingest.admin.edge_refusals import told

TOKEN = b"t0ken"


@pytest.mark.parametrize(
    ("datagram", "code"),
    [
        (b"<190>Nov 25 21:41:05 edge: t0ken not_found", "not_found"),
        (b"<190>Nov  5 21:41:05 edge: t0ken overloaded", "overloaded"),
        (b"<190>Nov 25 21:41:05 edge: t0ken of_a_newer_edge", "other"),
        (b"<190>Nov 25 21:41:05 edge: t0ken \xff", "other"),
        (b"<190>Nov 25 21:41:05 edge: T0ken not_found", None),
        (b"<190>Nov 25 21:41:05 edge: not_found", None),
        (b"t0ken not_found", None),
        (b"\xff \xff \xff", None),
        (b"", None),
    ],
)
def test_what_a_datagram_tells(datagram: bytes, code: str | None) -> None:
    assert told(datagram, TOKEN) == code
