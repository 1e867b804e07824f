"""No bench runs on a debug build. Times are CPU times: the machine is shared."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from ingest._native import BUILD_PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_configure() -> None:
    """Refuse a debug build."""
    if BUILD_PROFILE != "release":
        raise pytest.UsageError(f"the extension is a {BUILD_PROFILE} build: make build")


@pytest.fixture(autouse=True)
def _small_heap() -> Iterator[None]:
    """Hide pytest's own objects from the collector: they would slow whoever makes many objects."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
