"""No bench runs on a debug build. Times are CPU times: the machine is shared."""

from __future__ import annotations

import pytest
from ingest._native import BUILD_PROFILE


def pytest_configure() -> None:
    """Refuse a debug build."""
    if BUILD_PROFILE != "release":
        raise pytest.UsageError(f"the extension is a {BUILD_PROFILE} build: make build")
