"""What is asked of a result, and whether it is met, as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bench.report.figures import LIMIT, Figures, Result, number

if TYPE_CHECKING:
    from collections.abc import Iterator

PRODUCT, PLAIN, BASELINE = "ingest", "ingest-none", "baseline"
#: Below this the baseline is no rival, and ratios to it mean nothing.
BASELINE_EVENTS_S: Final = 7_000
#: Bytes of the reference's stream for an event.
REFERENCE_BYTES: Final = 516
QUIET_STEAL_PERCENT, QUIET_OTHERS_PERCENT, QUIET_DISK_MS = 1.0, 5.0, 2.0

Name = tuple[str, str, str]


@dataclass(frozen=True)
class Aim:
    """One number, or its ratio to another one, and the least or most that it may be."""

    title: str
    of: Name
    over: Name | None = None
    least: float | None = None
    most: float | None = None

    def value(self, figures: Figures) -> float | None:
        """Give the median or the ratio of two; None when it was not measured."""
        found = figures.get(*self.of)
        if found is None or self.over is None:
            return found.median if found else None
        other = figures.get(*self.over)
        return found.median / other.median if other and other.median else None

    def is_met(self, value: float) -> bool:
        """Compare."""
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )

    @property
    def bound(self) -> str:
        """Write the bound."""
        least, most = self.least, self.most
        return f"≥ {number(least)}" if least is not None else f"≤ {number(most or 0.0)}"


def _to_baseline(title: str, scenario: str, figure: str, **bound: float) -> Aim:
    return Aim(title, (PRODUCT, scenario, figure), (BASELINE, scenario, figure), **bound)


def _cpu(title: str, load: str) -> tuple[Aim, ...]:
    """Ask at a fixed rate and as fast as it goes, where processes wake for more at once."""
    outside = "cpu_us_event_outside_postgres"
    return (
        Aim(f"{title}: CPU outside PostgreSQL with LZ4, µs an event", (PRODUCT, load, outside),
            most=3.8),
        Aim(f"{title}: CPU outside PostgreSQL without, µs an event", (PLAIN, load, outside),
            most=3.2),
        Aim(f"{title}: CPU of everything, times bare COPY's", (PRODUCT, load, "cpu_us_event"),
            (LIMIT, "copy", "cpu_us_row"), most=1.9),
    )  # fmt: skip


AIMS: Final = (
    Aim("sustained, events/s", (PRODUCT, "sustained", "sustained_events_s"), least=150_000),
    _to_baseline("sustained, times the baseline", "sustained", "sustained_events_s", least=15),
    *_cpu("sustained", "sustained"),
    *_cpu("crash test", "crash"),
    Aim("realistic, 500 requests/s: p50, ms", (PRODUCT, "realistic-500", "p50_ms"), most=1.5),
    Aim("realistic, 500 requests/s: p99, ms", (PRODUCT, "realistic-500", "p99_ms"), most=8),
    _to_baseline("realistic, 200 requests/s: p99, of the baseline's", "realistic-200", "p99_ms",
                 most=1 / 10),
    _to_baseline("crash test: p95, of the baseline's", "crash", "p95_ms", most=1 / 30),
    _to_baseline("crash test: accepted events/s, times the baseline's", "crash",
                 "accepted_events_s", least=10),
    _to_baseline("single events: requests/s, times the baseline's", "singles", "requests_s",
                 least=12),
    Aim("drain of 1,000,000: events/s, of bare COPY's",
        (PRODUCT, "drain-1000000", "drain_events_s"), (LIMIT, "copy", "rows_s"), least=0.8),
    Aim("drain of 100,000, s", (PRODUCT, "drain-100000", "drain_s"), most=1),
    Aim("freshness at 200 requests/s: p99, ms",
        (PRODUCT, "realistic-200", "freshness_p99_ms"), most=50),
    Aim("freshness at 500 requests/s: p99, ms",
        (PRODUCT, "realistic-500", "freshness_p99_ms"), most=50),
    Aim("in the stream, bytes an event", (PRODUCT, "drain-100000", "stream_bytes_event"),
        most=REFERENCE_BYTES / 4),
    Aim("soak: the largest growth of a process's memory, times",
        (PRODUCT, "soak", "memory_growth"), most=1.1),
)  # fmt: skip


def markdown(result: Result) -> str:
    """Give the table of what was measured, and what makes it void or doubtful."""
    figures = Figures(result)
    rows = [
        f"| {aim.title} | {aim.bound} | {number(value)} | "
        f"{'yes' if aim.is_met(value) else '**no**'} |"
        for aim in AIMS
        if (value := aim.value(figures)) is not None
    ]
    head = ["| asked | | measured | met |", "| --- | ---: | ---: | --- |"] if rows else []
    return "\n".join([*head, *rows, "", *_doubts(result, figures)])


def _doubts(result: Result, figures: Figures) -> Iterator[str]:
    yield from _rival(result, figures)
    yield from _noise(result, figures)
    for one in result["outcomes"]:
        yield from (f"{one['system']}, {one['scenario']}: {text}." for text in _odd(one["details"]))


def _rival(result: Result, figures: Figures) -> Iterator[str]:
    """Say whether the baseline is one."""
    reached = [
        found.median
        for found in (
            figures.get(BASELINE, "sustained", "sustained_events_s"),
            figures.get(BASELINE, "crash", "stored_events_s"),
            figures.get(BASELINE, "drain-100000", "drain_events_s"),
        )
        if found
    ]
    if not reached and any(one["system"] == BASELINE for one in result["outcomes"]):
        yield f"Whether the baseline stores {BASELINE_EVENTS_S:,} events/s was not measured here."
    if reached and max(reached) < BASELINE_EVENTS_S:
        yield (
            f"The baseline stored {max(reached):,.0f} events/s, less than "
            f"{BASELINE_EVENTS_S:,}: ratios to it are void."
        )


def _odd(details: dict[str, Any]) -> Iterator[str]:
    """Say what one should know of a trial besides its figures."""
    told = details["generator"]
    total, windows = told["total"], details.get("windows", [])
    if total["refused"]:
        codes = ", ".join(f"{code} {count:,}" for code, count in sorted(told["codes"].items()))
        yield f"{total['refused']:,} of {total['sent']:,} requests were refused: {codes}"
    for name, what in (
        ("lost", "requests had no answer"),
        ("unsent", "requests found no free connection"),
        ("silent", "refusals didn't say when to come back"),
    ):
        if total[name]:
            yield f"{total[name]:,} {what}"
    if windows and not windows[-1]["is_sustained"]:
        yield f"{windows[-1]['offered']:,.0f} events/s were offered and not sustained"
    if details["restarted"]:
        yield f"{', '.join(details['restarted'])} had to be started again; its CPU is not whole"
    if wrong := _wrong_answers(told["statuses"]):
        yield f"answers besides 202 and 503: {wrong}"


def _noise(result: Result, figures: Figures) -> Iterator[str]:
    for name, told, most in (
        ("steal_percent", "CPU stolen", QUIET_STEAL_PERCENT),
        ("others_percent", "CPU used by others", QUIET_OTHERS_PERCENT),
    ):
        loud = [one for one in result["outcomes"] if one["figures"][name] >= most]
        if loud:
            shares = ", ".join(
                f"{one['figures'][name]:g} % ({one['system']}, {one['scenario']})" for one in loud
            )
            yield f"The machine was not quiet. {told}: {shares}."
    synced = figures.get(LIMIT, "disk", "p99_ms")
    if synced and synced.median >= QUIET_DISK_MS:
        yield f"fdatasync took {synced.median:.3g} ms at p99: the disk was not quiet."


def _wrong_answers(statuses: dict[str, Any]) -> dict[str, Any]:
    return {status: count for status, count in statuses.items() if status not in {"202", "503"}}
