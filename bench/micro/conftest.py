"""No bench runs on a debug build. Times are CPU times: the machine is shared."""

from __future__ import annotations

import gc
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ingest.local.data_dir import DataDir
from ingest.local.valkey import EmbeddedValkey
from ingest.stream import shards
from ingest.stream.connection import connect

from bench.machine import DebugBuildError, refuse_debug_build
from bench.micro.cases import SHARDS

if TYPE_CHECKING:
    from collections.abc import Iterator

START_S = 60.0


def pytest_configure() -> None:
    """Refuse a debug build."""
    try:
        refuse_debug_build()
    except DebugBuildError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.fixture(autouse=True)
def _small_heap() -> Iterator[None]:
    """Hide pytest's own objects from the collector: they would slow whoever makes many objects."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedValkey]:
    """A Valkey of one module alone."""
    path = Path(tempfile.mkdtemp(prefix="ingest-bench-"))
    path.chmod(0o711)
    server = EmbeddedValkey(DataDir(path / "data"))
    server.prepare()
    server.start()
    try:
        server.wait_ready(START_S)
        yield server
    finally:
        server.stop()
        shutil.rmtree(path)


@pytest.fixture(scope="module")
def sharded(server: EmbeddedValkey) -> EmbeddedValkey:
    """The same with the streams of `SHARDS` shards."""
    with connect(server.url, name="bench") as client:
        shards.agree_on_count(client, SHARDS)
        for shard in range(SHARDS):
            shards.create(client, shard, "0-0")
    return server
