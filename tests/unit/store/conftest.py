"""A connection to a database of the test's own, with one partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ingest.store import partitions, session

from tests.unit.store.rows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.session import Connection


@pytest.fixture
def connection(dsn: str) -> Iterator[Connection]:
    with session.connect(dsn, "test") as connection:
        partitions.ensure(connection, [DAY])
        yield connection
