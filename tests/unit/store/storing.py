"""Stores a load as a consumer does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.store import ledger

if TYPE_CHECKING:
    from ingest.store.ledger import Fates
    from ingest.store.load import Load
    from ingest.store.session import Connection
    from ingest.store.sink import Sink


def store(connection: Connection, sink: Sink, loaded: Load, *, sheltered: bool = True) -> Fates:
    """Store a load and its counts in one transaction."""
    with connection.transaction():
        fates = sink.store(connection, loaded, sheltered=sheltered)
        ledger.add(connection, loaded.shard, fates)
        return fates
