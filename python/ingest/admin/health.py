"""What /readyz tells: each part of the system, whether it does its work, and why not. No IO.

A `reason` makes it not ready: events are refused, or not stored. A `warning` does not: promises
are weaker than they could be, or somebody should act soon.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from ingest import metrics, plans
from ingest.plural import counted
from ingest.store.partitions import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingest.admin.sample import Sample
    from ingest.readout import Readout
    from ingest.settings import Settings
    from ingest.store.look import Tables
    from ingest.stream.look import ShardLook, StreamLook

# A Valkey that was restored or replaced is told of for so long.
REPLACED_S = 86_400
READY = "ready"
MOST_NAMED = 5
UNCHECKED = "Valkey does not count for it: plans are bounded by each worker alone (see its log)"


class Part(NamedTuple):
    """One part; `reason` and `warning` are empty while it is well, `detail` is said in any case."""

    name: str
    reason: str
    detail: str = ""
    warning: str = ""


def parts(sample: Sample, settings: Settings) -> list[Part]:
    """Judge a sample."""
    return [
        _postgresql(sample, settings),
        _valkey(sample, settings),
        *_processes(sample),
        *_others(sample),
        *_partitions(sample, settings),
    ]


def _postgresql(sample: Sample, settings: Settings) -> Part:
    if sample.store is None:
        return Part("postgresql", sample.store_fault)
    warnings = "; ".join(_kept(sample.store.tables, settings))
    return Part("postgresql", "", f"version {sample.store.version}", warnings)


def _kept(tables: Tables, settings: Settings) -> Iterator[str]:
    """Tell of what lies in tables and waits for a person."""
    if letters := tables.dead_letters:
        yield f"{counted(letters, 'dead letter')}: `ingest deadletter list`"
    if strange := sorted(tables.plans - settings.known_plans.keys()):
        named = ", ".join(strange[:MOST_NAMED]) + (", ..." if strange[MOST_NAMED:] else "")
        yield f"plans that the settings don't know, bounded like {plans.DEFAULT}: {named}"


def _valkey(sample: Sample, settings: Settings) -> Part:
    stream = sample.stream
    if stream is None:
        return Part("valkey", sample.stream_fault)
    state = stream.state
    used, most = state.used_bytes, state.max_bytes
    bound = "no known bound" if most is None else f"{most >> 20} MiB"
    warnings = [*stream.faults, *_losses(stream)]
    if most is not None and used >= most * settings.stream_resume_ratio:
        warnings.append(f"{used * 100 // most} % full")
    detail = f"ack {state.level}, {used >> 20} MiB used of {bound}"
    return Part("valkey", state.fault or "", detail, "; ".join(warnings))


def _losses(stream: StreamLook) -> Iterator[str]:
    """Tell of shards whose newest entries or counters were lost with an older data set."""
    for shard, look in stream.shards.items():
        if look.is_behind_position:
            yield f"shard {shard} ends before its position: Valkey was restored or replaced"
    since_ms = _counted_since(stream.shards)
    now_ms = stream.state.now_ms or time.time_ns() // 1_000_000
    if since_ms is not None and now_ms - since_ms < REPLACED_S * 1000:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since_ms / 1000))
        yield f"at {when} Valkey had been restored or replaced: `ingest audit` says what is missing"


def _counted_since(shards: Mapping[int, ShardLook]) -> int | None:
    found = [look.counted_since_ms for look in shards.values() if look.counted_since_ms is not None]
    return max(found, default=None)


def _processes(sample: Sample) -> Iterator[Part]:
    """Take workers and consumers at their word."""
    for name, url in sample.urls.items():
        one = sample.readouts.get(name)
        silent = f"does not answer: {sample.silent.get(name, '')}"
        warning = UNCHECKED if _is_unchecked(one) else ""
        yield Part(name, silent if one is None else one.fault, url, warning)


def _is_unchecked(one: Readout | None) -> bool:
    family = None if one is None else one.family(metrics.PLANS_UNCHECKED.about.name)
    return family is not None and any(level for _, level in family.rows)


def _others(sample: Sample) -> Iterator[Part]:
    """Tell of the supervisor's other processes, those that nobody asked."""
    for member in sample.members:
        if member.name in {"edge", "valkey", "postgres"} and member.state != READY:
            yield Part(
                member.name, f"{member.state}, started again {counted(member.restarts, 'time')}"
            )


def _partitions(sample: Sample, settings: Settings) -> Iterator[Part]:
    if sample.store is None:
        return
    days, today = sample.store.tables.days, sample.store.tables.today
    wanted = range(today, today + settings.partitions_ahead_days + 1)
    missing = [name_of(day) for day in wanted if day not in days]
    told = f"missing: {', '.join(missing)}; consumers make them once an hour" if missing else ""
    is_late = today in days
    yield Part(
        "partitions", "" if is_late else told, counted(len(days), "day"), told if is_late else ""
    )
