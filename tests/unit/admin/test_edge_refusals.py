"""Datagrams of the edge: whose are believed, and what is read from them."""

from __future__ import annotations

import socket

import pytest
from ingest import edge_token, metrics
from ingest.admin.edge_refusals import EdgeRefusals, told

from tests.running import until

TOKEN = b"t0ken"
HOST, SECRET = "127.0.0.1", "s3cret"
SOON_S = 20.0


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


def test_a_port_in_use_is_told_and_tried_again() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind((HOST, 0))
        port = other.getsockname()[1]
        refusals = EdgeRefusals(SECRET, HOST, port)
        refusals.start()
        until(lambda: refusals.warning, SOON_S, "told")
    assert str(port) in refusals.warning
    until(lambda: not refusals.warning, SOON_S, "tried again")
    before = metrics.REFUSED.counts["not_found",]
    with socket.socket(type=socket.SOCK_DGRAM) as edge:
        edge.sendto(b"edge: %b not_found" % edge_token.of(SECRET).encode(), (HOST, port))
    until(lambda: metrics.REFUSED.counts["not_found",] == before + 1, SOON_S, "counted")
    refusals.stop()
