"""The numbers that a process counts of itself, in Prometheus' text format.

What happens once a request is counted in plain integers and turned into samples when somebody
asks, because a labelled counter of the library costs a microsecond. The admin process adds the
numbers of all processes up.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REGISTRY = CollectorRegistry()
disable_created_metrics()  # type: ignore[no-untyped-call]  # a start time for each series doubles the text and sums to nonsense

# From a lone append on a fast disk to the end of the patience with a silent server.
_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Tally(Collector):
    """A counter for one event loop: `tally[labels] += 1` on the hot path, samples on demand."""

    def __init__(self, name: str, documentation: str, *labels: str) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self.counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
        REGISTRY.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Give the counts as one family."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, count in list(self.counts.items()):
            family.add_metric(labels, count)
        yield family


REQUESTS = Tally("ingest_requests", "Requests answered.", "route", "status")
EVENTS = Tally("ingest_events_accepted", "Events acknowledged with a 202.", "route")
REJECTED = Tally("ingest_events_rejected", "Events refused one by one, by reason.", "code")
REFUSED = Tally("ingest_requests_refused", "Requests refused as a whole, by reason.", "code")
BODY_BYTES = Tally("ingest_body_bytes", "Bytes of the bodies of accepted requests.", "route")

QUEUED_BYTES = Gauge(
    "ingest_queued_bytes", "Bytes that wait for the stream or are in flight.", registry=REGISTRY
)
APPEND_SECONDS = Histogram(
    "ingest_append_seconds",
    "From writing a group to Valkey's answer.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
GROUP_REQUESTS = Histogram(
    "ingest_group_requests", "Requests in one group.", buckets=_COUNTS, registry=REGISTRY
)
GROUP_ENTRIES = Histogram(
    "ingest_group_entries", "Stream entries in one group.", buckets=_COUNTS, registry=REGISTRY
)
RESENDS = Counter(
    "ingest_append_resends", "Groups sent again after an unknown outcome.", registry=REGISTRY
)

ROWS = Tally("ingest_rows", "Rows settled by consumers: stored, duplicates or dead.", "fate")
WRITE_SECONDS = Histogram(
    "ingest_write_seconds",
    "From taking a span to its commit, retries included.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
WRITE_ROWS = Histogram(
    "ingest_write_rows",
    "Rows in one transaction.",
    buckets=(1, 10, 100, 1000, 2000, 5000, 10_000, 20_000, 50_000),
    registry=REGISTRY,
)
FRESHNESS_SECONDS = Histogram(
    "ingest_freshness_seconds",
    "From the append of a span's oldest entry to its commit.",
    buckets=(*_SECONDS, 10, 30, 60, 300, 1800),
    registry=REGISTRY,
)


def render() -> bytes:
    """Give all numbers of this process."""
    return generate_latest(REGISTRY)


def total(texts: Iterable[str]) -> bytes:
    """Add up what several processes rendered: samples of one name and labels become one.

    Gauges are added too: each process tells its own part of a whole.
    """
    return generate_latest(_Sum(texts))


class _Sum(CollectorRegistry):
    """A registry that holds nothing and collects from texts."""

    def __init__(self, texts: Iterable[str]) -> None:
        super().__init__()
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        sums: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
        for text in self._texts:
            for family in text_string_to_metric_families(text):
                families.setdefault(family.name, family)
                own = sums.setdefault(family.name, {})
                for sample in family.samples:
                    key = (sample.name, tuple(sorted(sample.labels.items())))
                    own[key] = own.get(key, 0.0) + sample.value
        for name, family in families.items():
            family.samples = []
            for (sample_name, labels), value in sums[name].items():
                family.add_sample(sample_name, dict(labels), value)
            yield family
