"""Prometheus' programs: those of the machine, or of the folder that .ci/run unpacks them into."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

UNPACKED = Path(__file__).parents[1] / ".prometheus" / "usr" / "bin"


def program(name: str) -> str:
    """Give the path of `prometheus` or `promtool`; skips the test where there is none."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:{UNPACKED}")
    if found is None:
        pytest.skip("prometheus is not installed")
    return found
