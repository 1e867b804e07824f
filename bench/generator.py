"""Runs the load generator: builds it, starts it on prepared bodies, reads what it tells."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from bench.machine import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MANIFEST = ROOT / "bench" / "loadgen" / "Cargo.toml"
TARGET = ROOT / "target" / "loadgen"
PROGRAM = TARGET / "release" / "loadgen"
#: Beyond duration and grace; a generator that takes longer hangs.
SPARE_S = 30.0


@dataclass(frozen=True)
class Load:
    """What is sent; closed loop without a rate."""

    bodies: Path
    duration_s: float
    connections: int = 64
    rate: float | None = None
    requests: int | None = None
    warmup_s: float = 0.0
    think_ms: tuple[int, int] = (0, 0)
    retry_after: bool = False
    grace_s: float = 60.0
    timeout_s: float = 60.0

    def flags(self) -> list[str]:
        """Give the generator's flags."""
        low, high = self.think_ms
        flags = ["--bodies", str(self.bodies), "--connections", str(self.connections)]
        flags += ["--duration", str(self.duration_s), "--warmup", str(self.warmup_s)]
        flags += ["--think-ms", f"{low}-{high}", "--grace", str(self.grace_s)]
        flags += ["--timeout", str(self.timeout_s)]
        flags += ["--rate", str(self.rate)] if self.rate is not None else []
        flags += ["--requests", str(self.requests)] if self.requests is not None else []
        flags += ["--retry-after"] if self.retry_after else []
        return flags


@dataclass(frozen=True)
class Drive:
    """What the generator tells of a run; `raw` is its whole report."""

    raw: dict[str, Any] = field(repr=False)
    cpu_s: float

    @property
    def accepted_events(self) -> int:
        """Events in answers with 202, warm-up included."""
        return int(self.raw["total"]["events"])

    @property
    def total(self) -> dict[str, int]:
        """Counts of the whole run."""
        return dict(self.raw["total"])

    @property
    def requests_s(self) -> float:
        """Accepted requests a second after the warm-up."""
        return float(self.raw["measured"]["requests"] / self.raw["measured"]["seconds"])

    @property
    def events_s(self) -> float:
        """Accepted events a second after the warm-up."""
        return float(self.raw["measured"]["events"] / self.raw["measured"]["seconds"])

    @property
    def has_latencies(self) -> bool:
        """Tell whether any request of after the warm-up was accepted."""
        return bool(self.raw["latency_us"]["count"])

    def latency_ms(self, name: str) -> float:
        """Give a figure of accepted requests' latency: p50, p95, p99, p999, max."""
        return float(self.raw["latency_us"][name]) / 1000


def build() -> None:
    """Build it if its sources changed."""
    cargo = ["cargo", "build", "--release", "--locked", "--quiet"]
    places = ["--manifest-path", str(MANIFEST), "--target-dir", str(TARGET)]
    with subprocess.Popen([*cargo, *places], start_new_session=True) as child:
        try:
            code = child.wait()
        except BaseException:
            os.killpg(child.pid, signal.SIGTERM)  # the compilers that it started, too
            raise
    if code:
        raise RuntimeError("the load generator can't be built")


class Generator:
    """One run in progress."""

    def __init__(self, child: subprocess.Popen[bytes], deadline_s: float) -> None:
        self._child = child
        self._deadline_s = deadline_s

    @classmethod
    def start(cls, load: Load, url: str, heads: Path, ids: Path) -> Self:
        """Start it: a random line of `heads` goes into each request, accepted ids into `ids`."""
        where = ["--address", urlsplit(url).netloc, "--heads", str(heads), "--ids", str(ids)]
        argv: Sequence[str] = [str(PROGRAM), *where, *load.flags()]
        child = subprocess.Popen(argv, stdout=subprocess.PIPE)
        return cls(child, load.duration_s + load.grace_s + SPARE_S)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def wait(self) -> Drive:
        """Block until it has ended and give its report."""
        before = os.times()
        output, _ = self._child.communicate(timeout=self._deadline_s)
        after = os.times()
        if self._child.returncode != 0:
            raise RuntimeError(f"the load generator ended with {self._child.returncode}")
        cpu_s = after.children_user + after.children_system
        cpu_s -= before.children_user + before.children_system
        return Drive(json.loads(output), cpu_s)

    def stop(self) -> None:
        """End it early."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.communicate()
