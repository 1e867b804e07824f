"""Makes the figures for people of samples. No IO, no clock."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from ingest import metrics
from ingest.admin import health
from ingest.admin.deltas import Deltas
from ingest.admin.figures import (
    Count,
    Events,
    Figures,
    Lag,
    Latencies,
    PartFigures,
    Partitions,
    ProcessFigures,
    Refusals,
    Refusing,
    Valkey,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingest.admin.figures import ProcessState
    from ingest.admin.sample import Sample
    from ingest.admin.usage import Use
    from ingest.readout import Readout
    from ingest.roster import Member
    from ingest.settings import Settings
    from ingest.tally import Labels

# Rates follow what happens at once; quantiles need some values.
RATE_S, QUANTILES_S, FILL_S = 2.0, 10.0, 60.0
# Further away than this is noise of some bytes; told as this.
FAR_S = 86_400.0
EPOCH = date(1970, 1, 1)
_STATES: dict[str, ProcessState] = {"starting": "starting", "waiting": "waiting"}


@lru_cache(1)
def own_version() -> str:
    """Give the version of this process."""
    return version("ingest")


def figures(samples: Sequence[Sample], settings: Settings) -> Figures:
    """Say what the newest sample means beside the older ones (oldest first, at least one)."""
    new = samples[-1]
    rates, late = Deltas(new, before(samples, RATE_S)), Deltas(new, before(samples, QUANTILES_S))
    return Figures(
        at=new.at,
        version=own_version(),
        window_s=round(late.seconds, 3),
        events=_events(rates),
        requests=_total(_by_status(rates).values(), rates),
        requests_by_status=_by_status(rates),
        refusals=Refusals(
            rates.counts(metrics.REJECTED, _first), rates.counts(metrics.REFUSED, _first)
        ),
        latency=_latencies(late),
        freshness=late.spread(metrics.FRESHNESS_SECONDS),
        lag=lag(new),
        refusing=list(_refusing(new)),
        ack=_ack(new),
        valkey=valkey(samples, settings),
        partitions=partitions(new, settings),
        dead_letters=None if new.store is None else new.store.tables.dead_letters,
        processes=list(processes(samples)),
        parts=[PartFigures(*part) for part in health.parts(new, settings)],
    )


def before(samples: Sequence[Sample], seconds: float) -> Sample | None:
    """Find the newest sample that is so much older than the last; else the oldest, if any."""
    clock = samples[-1].clock - seconds + 0.1
    older = [sample for sample in samples[:-1] if sample.clock <= clock]
    return older[-1] if older else next(iter(samples[:-1]), None)


def lag(sample: Sample) -> Lag:
    """Say what waits, behind the positions that PostgreSQL told last.

    Null when Valkey can't be asked, or PostgreSQL could not since this process started.
    """
    stream = sample.stream
    if stream is None or (sample.store is None and not stream.shards):
        return Lag()
    return Lag(stream.waiting, sample.unsettled, round(stream.oldest_s, 3))


def valkey(samples: Sequence[Sample], settings: Settings) -> Valkey | None:
    """Say how full it is and when it will be."""
    now = samples[-1].stream
    if now is None:
        return None
    used, most = now.state.used_bytes, now.state.max_bytes
    mark = None if most is None else int(most * settings.stream_high_ratio)
    then = before(samples, FILL_S)
    full_in_s = None
    if mark is not None and then is not None and then.stream is not None:
        seconds = samples[-1].clock - then.clock
        growth = (used - then.stream.state.used_bytes) / seconds if seconds else 0.0
        found = round(max(0, mark - used) / growth, 1) if growth > 0 else FAR_S
        full_in_s = min(found, FAR_S)
    return Valkey(used, most, mark, full_in_s, _level(str(now.state.level)))


def partitions(sample: Sample, settings: Settings) -> Partitions | None:
    """Say for how many days there are partitions, and which are missing."""
    if sample.store is None:
        return None
    days, today = sample.store.tables.days, sample.store.tables.today
    ahead = 0
    while today + ahead + 1 in days:
        ahead += 1
    wanted = range(today, today + settings.partitions_ahead_days + 1)
    missing = [str(EPOCH + timedelta(days=day)) for day in wanted if day not in days]
    return Partitions(ahead, missing)


def processes(samples: Sequence[Sample]) -> Iterable[ProcessFigures]:
    """List the supervisor's processes, or those that admin knows by its settings."""
    new, old = samples[-1], before(samples, RATE_S)
    known = {member.name: member for member in new.members}
    for name in dict.fromkeys([*known, *new.readouts, *new.uses]):
        member = known.get(name)
        found = new.uses.get(name) or new.readouts.get(name)
        yield ProcessFigures(
            name=name,
            state=_state(new, name),
            pid=_pid(member, found),
            cpu_percent=_cpu_percent(new, old, name),
            memory_bytes=None if found is None else found.memory_bytes,
            restarts=member.restarts if member is not None else new.restarts.get(name),
            uptime_s=None if found is None else round(max(0.0, new.at - found.started), 1),
        )


def cpu_s(sample: Sample, name: str) -> tuple[int, float] | None:
    """Give the id of a process and the CPU time it has used."""
    found = sample.uses.get(name) or sample.readouts.get(name)
    return None if found is None else (found.pid, found.cpu_s)


def started(sample: Sample, name: str) -> float | None:
    """Give the unix time of a process's start."""
    found = sample.uses.get(name) or sample.readouts.get(name)
    return None if found is None else found.started


def _pid(member: Member | None, found: Use | Readout | None) -> int | None:
    if member is not None:
        return member.pid
    return None if found is None else found.pid


def _state(sample: Sample, name: str) -> ProcessState:
    member = next((each for each in sample.members if each.name == name), None)
    if member is not None and member.state in _STATES:
        return _STATES[member.state]
    if name in sample.silent:
        return "silent"
    return "running" if cpu_s(sample, name) is not None else "gone"


def _level(told: str) -> Literal["fsync", "memory"]:
    return "fsync" if told == "fsync" else "memory"


def _cpu_percent(new: Sample, old: Sample | None, name: str) -> float | None:
    now, then = cpu_s(new, name), None if old is None else cpu_s(old, name)
    if old is None or now is None or then is None or now[0] != then[0]:
        return None
    return round(max(0.0, now[1] - then[1]) / (new.clock - old.clock) * 100, 1)


def _events(rates: Deltas) -> Events:
    settled = rates.counts(metrics.SETTLED, _first)
    none = rates.count(metrics.SETTLED)
    nothing = Count(0, None if none.per_s is None else 0.0)
    return Events(
        accepted=rates.count(metrics.EVENTS),
        rejected=rates.count(metrics.REJECTED),
        stored=settled.get("stored", nothing),
        duplicates=settled.get("duplicates", nothing),
        dead=settled.get("dead", nothing),
    )


def _by_status(rates: Deltas) -> dict[str, Count]:
    """Count the workers' requests for events and pages, not what asks how they are."""
    found = rates.counts(metrics.REQUESTS, lambda labels: "" if _is_private(labels) else labels[1])
    return {status: count for status, count in sorted(found.items()) if status}


def _total(counts: Iterable[Count], rates: Deltas) -> Count:
    found = list(counts)
    per_s = round(sum(count.per_s or 0 for count in found), 3) if rates.seconds else None
    return Count(sum(count.total for count in found), per_s)


def _latencies(late: Deltas) -> Latencies:
    return Latencies(
        request=late.spread(metrics.REQUEST_SECONDS, skip=_is_private),
        group_wait=late.spread(metrics.GROUP_WAIT_SECONDS),
        append=late.spread(metrics.APPEND_SECONDS),
        read=late.spread(metrics.READ_SECONDS),
        copy=late.spread(metrics.COPY_SECONDS),
        commit=late.spread(metrics.COMMIT_SECONDS),
        write=late.spread(metrics.WRITE_SECONDS),
    )


def _is_private(labels: Labels) -> bool:
    """Tell the routes for events from those of operators."""
    return not labels[0].startswith(("/v1/", "/api/v1/event"))


def _first(labels: Labels) -> str:
    return labels[0]


def _refusing(sample: Sample) -> Iterable[Refusing]:
    name = metrics.BACK_PRESSURE.about.name
    for process, one in sample.readouts.items():
        family = None if one is None else one.family(name)
        for labels, level in family.rows if family else ():
            if level:
                yield Refusing(process, labels[0])


def _ack(sample: Sample) -> Literal["fsync", "memory"] | None:
    """Give the least that a worker promises."""
    name = metrics.ACK_FSYNC.about.name
    families = [one.family(name) for one in sample.readouts.values() if one is not None]
    levels = [level for family in families if family is not None for _, level in family.rows]
    return _level("fsync" if all(levels) else "memory") if levels else None
