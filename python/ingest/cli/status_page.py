"""The figures of the admin process as a page of text: what `ingest status` shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ingest.plural import counted, form

if TYPE_CHECKING:
    from collections.abc import Iterator

Figures = dict[str, Any]
UNKNOWN = "-"
MIB = 1 << 20
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
SERVERS = ("valkey", "postgresql")
LATENCIES = ("request", "append", "copy", "commit")
RECEIVED = ("accepted", "rejected")
SETTLED = ("stored", "duplicates", "dead")


def is_well(figures: Figures) -> bool:
    """Say whether every part is ready and every process runs."""
    states = {process["state"] for process in figures["processes"]}
    return states <= {"running"} and not any(part["reason"] for part in figures["parts"])


def text(figures: Figures) -> str:
    """Give the page."""
    at = datetime.fromtimestamp(figures["at"], UTC)
    window = f"rates of the last seconds, latencies of the last {figures['window_s']:.0f} s"
    return "\n".join(
        [
            f"{at:%Y-%m-%d %H:%M:%S} UTC: {window}",
            "",
            *_traffic(figures),
            "",
            *_state(figures),
            "",
            *_processes(figures),
            *_faults(figures),
        ]
    )


def _traffic(figures: Figures) -> Iterator[str]:
    events = figures["events"]
    yield _line("events", _counts({fate: events[fate] for fate in RECEIVED}))
    yield _line("", _counts({fate: events[fate] for fate in SETTLED}))
    yield _line("requests", _counts(figures["requests_by_status"]))
    for name, counts in figures["refusals"].items():
        for code, count in counts.items():
            yield _line(f"refused {name}", f"{code} {_count(count)}")
    for name in LATENCIES:
        yield _line(name, _quantiles(figures["latency"][name]["recent"]))
    yield _line("stored after", _quantiles(figures["freshness"]["recent"]))


def _state(figures: Figures) -> Iterator[str]:
    yield _line("lag", _lag(figures["lag"]) or f"unknown: {_away(figures)}")
    valkey = figures["valkey"]
    yield _line("stream", f"unknown: {_away(figures)}" if valkey is None else _stream(valkey))
    for refusing in figures["refusing"]:
        yield _line("refusing", f"{refusing['process']}: {refusing['code']}")
    if (partitions := figures["partitions"]) is not None:
        missing = ", ".join(partitions["missing"])
        ahead = f"{counted(partitions['days_ahead'], 'day')} ahead"
        yield _line("partitions", f"{ahead}, MISSING {missing}" if missing else ahead)
    yield _line("dead letters", _number(figures["dead_letters"]))


def _lag(lag: Figures) -> str:
    """Say what waits; empty when that is not known."""
    if lag["entries"] is None:
        return ""
    oldest = f"the oldest {_duration(lag['oldest_s'])}" if lag["oldest_s"] else "nothing waits"
    entries, events = _amount(lag["entries"], "entry", "entries"), _amount(lag["events"], "event")
    return f"{entries}, {events}, {oldest}"


def _stream(valkey: Figures) -> str:
    most, full = valkey["refusing_at_bytes"], valkey["full_in_s"]
    used = f"{valkey['used_bytes'] // MIB:,} MiB of "
    used += "no bound" if most is None else f"{most // MIB:,} MiB"
    when = "full at an unknown time" if full is None else f"full in {_duration(full)}"
    if full is not None and full >= DAY_S:
        when = "not full within a day"
    return f"{used}, {when}, acknowledges from {valkey['ack']}"


def _away(figures: Figures) -> str:
    """Give what the servers' parts say, without which little is known."""
    of_servers = [part for part in figures["parts"] if part["name"] in SERVERS]
    return "; ".join(part["reason"] for part in of_servers if part["reason"]) or "not asked yet"


def _processes(figures: Figures) -> Iterator[str]:
    yield f"{'process':<12} {'state':<9} {'pid':>8} {'CPU':>6} {'memory':>10} {'restarts':>8} up"
    for process in figures["processes"]:
        cpu, memory = process["cpu_percent"], process["memory_bytes"]
        cells = (
            f"{process['name']:<12} {process['state']:<9} {process['pid'] or UNKNOWN:>8}",
            f"{UNKNOWN if cpu is None else f'{cpu:.0f} %':>6}",
            f"{UNKNOWN if memory is None else f'{memory // MIB:,} MiB':>10}",
            f"{UNKNOWN if process['restarts'] is None else process['restarts']:>8}",
            _duration(process["uptime_s"]),
        )
        yield " ".join(cells)


def _faults(figures: Figures) -> Iterator[str]:
    told = [
        f"{word:<6} {part['name']}: {part[field]}"
        for field, word in (("reason", "wrong"), ("warning", "note"))
        for part in figures["parts"]
        if part.get(field)
    ]
    yield from ["", *told] if told else []


def _line(name: str, told: str) -> str:
    return f"{name:<17} {told or UNKNOWN}"


def _counts(counts: Figures) -> str:
    return ", ".join(f"{name} {_count(count)}" for name, count in counts.items())


def _count(count: Figures) -> str:
    rate = UNKNOWN if count["per_s"] is None else f"{count['per_s']:,.0f}"
    return f"{rate}/s ({count['total']:,.0f})"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"


def _amount(value: float | None, noun: str, nouns: str = "") -> str:
    return f"{_number(value)} {form(round(value or 0), noun, nouns)}"


def _quantiles(spread: Figures) -> str:
    named = ((name, spread[name]) for name in ("p50", "p95", "p99"))
    return "  ".join(f"{name} {_duration(seconds)}" for name, seconds in named)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    if seconds < 2 * DAY_S:
        return f"{seconds / HOUR_S:.0f} h"
    return counted(round(seconds / DAY_S), "day")
