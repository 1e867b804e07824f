"""The disk's fdatasync: what every durable acknowledgement waits for."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WRITES = 500
BLOCK = b"x" * 4096


def measure(directory: Path) -> dict[str, float]:
    """Append blocks of 4 KiB, each followed by fdatasync."""
    path = directory / "fdatasync"
    times = []
    with path.open("wb", buffering=0) as file:
        for _ in range(WRITES):
            began = time.perf_counter()
            file.write(BLOCK)
            os.fdatasync(file.fileno())
            times.append(1000 * (time.perf_counter() - began))
    path.unlink()
    times.sort()
    return {
        "p50_ms": times[WRITES // 2],
        "p99_ms": times[WRITES * 99 // 100],
        "max_ms": times[-1],
    }
