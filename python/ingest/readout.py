"""The numbers of one process at one moment, as they travel from its private port to admin.

It says of each metric what is needed to show it, so that admin can read a process of another
version.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from ingest import metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.tally import Kind, Labels, Metric, Value

CONTENT_TYPE = "application/json"
_STARTED = time.time()
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Family:
    """All series of one metric."""

    name: str
    kind: Kind
    meaning: str
    labels: Labels
    bounds: Sequence[float]
    rows: Sequence[tuple[Labels, Value]]


@dataclass(frozen=True, slots=True)
class Readout:
    """One process: who it is, what it has used, what it has counted.

    `fault` says why it does not do its work at present; empty while it does.
    """

    fault: str
    pid: int
    started: float
    cpu_s: float
    memory_bytes: int
    families: Sequence[Family]

    def family(self, name: str) -> Family | None:
        """Find a metric by its name."""
        return next((family for family in self.families if family.name == name), None)


def own(fault: str = "") -> Readout:
    """Read this process's own numbers."""
    times = os.times()
    families = [family_of(metric) for metric in metrics.ALL if metric.about.is_own]
    return Readout(
        fault, os.getpid(), _STARTED, times.user + times.system, _memory_bytes(), families
    )


def family_of(metric: Metric) -> Family:
    """Read one metric."""
    about = metric.about
    return Family(about.name, about.kind, about.meaning, about.labels, metric.bounds, metric.rows())


def encode(readout: Readout) -> bytes:
    """Write it as JSON; metrics without a series are left out."""
    families = [family for family in readout.families if family.rows]
    return orjson.dumps(replace(readout, families=families))


def decode(text: bytes) -> Readout:
    """Read what `encode` wrote; ValueError when it is something else."""
    try:
        fields: dict[str, Any] = orjson.loads(text)
        fields["families"] = [_family(each) for each in fields["families"]]
        return Readout(**fields)
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError(f"not a readout: {error}") from error


def _family(fields: dict[str, Any]) -> Family:
    rows = [(tuple(labels), _value(value)) for labels, value in fields.pop("rows")]
    return Family(rows=rows, **fields | {"labels": tuple(fields["labels"])})


def _value(value: Any) -> Value:
    counts: Value = (value[0], value[1]) if isinstance(value, list) else value
    if not isinstance(counts, tuple | int | float):
        raise TypeError(f"{counts!r} is no number")
    return counts


def _memory_bytes() -> int:
    """Give the resident size; 0 where there is no /proc."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - read once a second
            return int(file.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
