"""A file of holes takes memory, and no room on the disk."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil

from bench import page_cache
from bench.page_cache import MIB

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def free(monkeypatch: pytest.MonkeyPatch, nbytes: int) -> None:
    found = SimpleNamespace(available=nbytes)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: found)


def test_the_file_follows_the_memory_and_never_shrinks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holes = tmp_path / "holes"
    for available, size in ((10 * MIB, 9 * MIB), (20 * MIB, 18 * MIB), (5 * MIB, 18 * MIB)):
        free(monkeypatch, available)
        page_cache.fill(holes)
        assert (holes.stat().st_size, holes.stat().st_blocks) == (size, 0)
