"""How Valkey is set up: what could be better."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingest.stream import setup

if TYPE_CHECKING:
    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis


def test_nothing_is_wrong_with_the_server_of_up(valkey: EmbeddedValkey) -> None:
    assert setup.faults(valkey.consumer_url) == []
    assert setup.advice(valkey.consumer_url) == []
    assert abs(setup.clock(valkey.worker_url) - time.time()) < 5


def test_a_file_that_is_rewritten_often_is_told(valkey: EmbeddedValkey, server: Redis) -> None:
    before = server.config_get(setup.REWRITE)[setup.REWRITE] or 0
    server.config_set(setup.REWRITE, 64 << 20)
    try:
        (text,) = setup.advice(valkey.url)
    finally:
        server.config_set(setup.REWRITE, before)
    assert text.startswith("Valkey: auto-aof-rewrite-min-size is 64 MiB")
