"""A connection to a database of the test's own, with two shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ingest.consumer import position
from ingest.store import session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.session import Connection


@pytest.fixture
def connection(dsn: str) -> Iterator[Connection]:
    with session.connect(dsn, "test") as connection:
        position.prepare(connection, 4)
        yield connection
