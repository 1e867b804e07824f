"""The real servers that tests run against: each session its own, on sockets or free ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ingest.local.data_dir import DataDir
from ingest.local.postgres import EmbeddedPostgres
from ingest.local.valkey import EmbeddedValkey

if TYPE_CHECKING:
    from collections.abc import Iterator

START_TIMEOUT_S = 60.0


@pytest.fixture(scope="session")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    """One data directory for the servers of this session."""
    base = tmp_path_factory.mktemp("servers")
    for step in (base, base.parent):
        step.chmod(0o711)  # as root, the servers' account walks through
    return DataDir(base / "data")


@pytest.fixture(scope="session")
def postgres(server_home: DataDir) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL with an empty database; `.dsn` is its owner's URL."""
    server = EmbeddedPostgres(server_home)
    server.prepare()
    server.start()
    try:
        server.wait_ready(START_TIMEOUT_S)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def valkey(server_home: DataDir) -> Iterator[EmbeddedValkey]:
    """An empty Valkey; `.url` is the operator's URL."""
    server = EmbeddedValkey(server_home)
    server.prepare()
    server.start()
    try:
        server.wait_ready(START_TIMEOUT_S)
        yield server
    finally:
        server.stop()
