"""Writes the numbers of several processes in Prometheus' text format.

Nothing is added up: each series carries the process that counted it, so that one which starts anew
at 0 is a reset that Prometheus knows, and no sum ever falls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client import Metric

    from ingest.readout import Family, Readout
    from ingest.tally import Labels

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PROCESS = "process"


def render(readouts: Mapping[str, Readout], of_all: Iterable[Family]) -> bytes:
    """Write what each process, by its name, has counted, and what is true of all together."""
    families: dict[str, Metric] = {}
    for process, readout in readouts.items():
        for family in filter(_has_rows, readout.families):
            _add(families, family, (*family.labels, PROCESS), (process,))
    for family in of_all:
        _add(families, family, family.labels, ())
    return generate_latest(_Ready(families.values()))


def _add(families: dict[str, Metric], family: Family, names: Sequence[str], behind: Labels) -> None:
    known = families.get(family.name)
    if known is None:
        known = families[family.name] = _MAKE[family.kind](
            family.name, family.meaning, labels=list(names)
        )
    for labels, value in family.rows:
        values = [*labels, *behind]
        if isinstance(known, HistogramMetricFamily) and isinstance(value, tuple):
            counts, total = value
            known.add_metric(values, list(_cumulated(family.bounds, counts)), total)
        elif isinstance(known, CounterMetricFamily | GaugeMetricFamily):
            known.add_metric(values, _number(value))


def _has_rows(family: Family) -> bool:
    return bool(family.rows)


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0.0


def _cumulated(bounds: Sequence[float], counts: Sequence[int]) -> Iterator[tuple[str, float]]:
    """Give each bucket's bound and the number of values up to it."""
    below = 0
    for bound, count in zip([*map(repr, map(float, bounds)), "+Inf"], counts, strict=True):
        below += count
        yield bound, below


_MAKE = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}


class _Ready(CollectorRegistry):
    """A registry whose families are there already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        super().__init__()
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
