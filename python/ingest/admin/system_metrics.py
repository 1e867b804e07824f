"""The metrics that no process counts of itself: made of a sample, as Prometheus shows them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ingest import metrics
from ingest.admin import health, summary
from ingest.readout import Family
from ingest.stream.durability import AckLevel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingest.admin.sample import Sample
    from ingest.settings import Settings
    from ingest.tally import Labels, Metric

_NONE: Labels = ()


def families(samples: Sequence[Sample], settings: Settings) -> list[Family]:
    """Give all; what is not known at present is left out."""
    rows = [*_stream(samples, settings), *_store(samples[-1], settings)]
    rows += [*_processes(samples), *_parts(samples[-1], settings)]
    rows.append((metrics.BUILD, (summary.own_version(),), 1))
    found: dict[str, tuple[Metric, list[tuple[Labels, float]]]] = {}
    for metric, labels, value in rows:
        found.setdefault(metric.about.name, (metric, []))[1].append((labels, value))
    return [_family(metric, series) for metric, series in found.values()]


def _family(metric: Metric, series: list[tuple[Labels, float]]) -> Family:
    about = metric.about
    return Family(about.name, about.kind, about.meaning, about.labels, (), series)


def _stream(
    samples: Sequence[Sample], settings: Settings
) -> Iterator[tuple[Metric, Labels, float]]:
    sample = samples[-1]
    look, valkey, lag = sample.stream, summary.valkey(samples, settings), summary.lag(sample)
    if look is None or valkey is None:
        return
    yield metrics.VALKEY_USED_BYTES, _NONE, valkey.used_bytes
    yield metrics.VALKEY_FSYNC, _NONE, float(look.state.level is AckLevel.FSYNC)
    if valkey.max_bytes is not None:
        yield metrics.VALKEY_MAX_BYTES, _NONE, valkey.max_bytes
    if valkey.full_in_s is not None:
        full_in_s = valkey.full_in_s if valkey.full_in_s < summary.FAR_S else math.inf
        yield metrics.VALKEY_FULL_IN_SECONDS, _NONE, full_in_s
    for shard, each in look.shards.items():
        yield metrics.LAG_ENTRIES, (str(shard),), each.waiting
    if lag.events is not None:
        yield metrics.LAG_EVENTS, _NONE, lag.events
    if lag.oldest_s is not None:
        yield metrics.LAG_SECONDS, _NONE, lag.oldest_s


def _store(sample: Sample, settings: Settings) -> Iterator[tuple[Metric, Labels, float]]:
    partitions = summary.partitions(sample, settings)
    if sample.store is None or partitions is None:
        return
    yield metrics.DEAD_LETTERS, _NONE, sample.store.tables.dead_letters
    yield metrics.PARTITION_DAYS_AHEAD, _NONE, partitions.days_ahead
    yield metrics.PARTITIONS_MISSING, _NONE, len(partitions.missing)


def _processes(samples: Sequence[Sample]) -> Iterator[tuple[Metric, Labels, float]]:
    for one in summary.processes(samples):
        labels = (one.name,)
        yield metrics.PROCESS_UP, labels, float(one.state == "running")
        cpu_s = summary.cpu_s(samples[-1], one.name)
        if cpu_s is not None:
            yield metrics.PROCESS_CPU_SECONDS, labels, cpu_s[1]
        if one.memory_bytes is not None:
            yield metrics.PROCESS_MEMORY_BYTES, labels, one.memory_bytes
        started = summary.started(samples[-1], one.name)
        if started is not None:
            yield metrics.PROCESS_START, labels, started
        if one.restarts is not None:
            yield metrics.PROCESS_RESTARTS, labels, one.restarts


def _parts(sample: Sample, settings: Settings) -> Iterator[tuple[Metric, Labels, float]]:
    for part in health.parts(sample, settings):
        yield metrics.READY, (part.name,), float(not part.reason)
