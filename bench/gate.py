"""The gate against a slower kernel: its ratio to the oracle must not fall by more than a fifth.

A ratio of two CPU times on one machine at one time holds on other machines too, about.
"""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Final

from bench.micro.cases import NOW, case, encode, encoder
from bench.micro.models import checked
from bench.micro.test_ratio import RUNS, cpu_us

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Not 1,000: there the ratio is 24 to 31 by what else uses the processor's caches.
SIZES: Final = (10, 50, 200)
KEEP: Final = 0.8


def check(stored: Path, tell: Callable[[str], None], *, store: bool) -> list[str]:
    """Measure, compare with the file of kept ratios, and give the cases that fell."""
    known = _kept(stored)
    ratios = {f"{count} events": ratio(count) for count in SIZES}
    fallen = [name for name, found in ratios.items() if found < KEEP * known.get(name, 0.0)]
    for name, found in ratios.items():
        before = f", stored {known[name]:.1f}" if name in known else ""
        tell(f"kernel against orjson and pydantic, {name}: {found:.1f} times{before}")
    for name in fallen:
        tell(f"kernel: {name} has fallen by more than a fifth")
    if store:
        kept_file(stored).write_text(json.dumps(ratios, indent=1) + "\n", encoding="utf-8")
    return fallen


def ratio(count: int) -> float:
    """Give the median of 7 alternating runs over a batch of `count`."""
    body, used = case(count, is_broken=False).body, encoder()
    if encode(used, body).rows != len(checked(body, NOW)[0]):
        raise RuntimeError("kernel and oracle don't agree")
    pairs = [
        (cpu_us(lambda: encode(used, body), count), cpu_us(lambda: checked(body, NOW), count))
        for _ in range(RUNS)
    ]
    return statistics.median(oracle / native for native, oracle in pairs)


def kept_file(stored: Path) -> Path:
    """Name the file of ratios beside the stored result."""
    return stored.with_name("stored-kernel.json")


def _kept(stored: Path) -> dict[str, float]:
    path = kept_file(stored)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
