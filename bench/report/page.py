"""The report: one HTML file with tables and plots that loads nothing from elsewhere."""

from __future__ import annotations

import html
import json
import statistics
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from bench.report import charts, summary
from bench.report.figures import Figure, Figures, Result
from bench.report.summary import BASELINE, LOOKUP, PLAIN, PRODUCT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.report.stored import Stored

SYSTEMS = (PRODUCT, PLAIN, BASELINE, LOOKUP)
#: Kinds of processes, as an event passes them; the last two stand beside.
WAY = ("edge", "worker", "api", "valkey", "consumer", "postgres", "admin", "supervisor")
STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .15rem .7rem }
td:not(:first-child), th:not(:first-child) { text-align: right }
tr { border-bottom: 1px solid #ddd }
figure { margin: 1.5rem 0 } svg { max-width: 100%; height: auto }
pre { background: #f5f5f5; padding: .7rem; overflow: auto }
"""


def write(result: Result, directory: Path, stored: Stored | None) -> Path:
    """Write report.html and summary.md; give the page's path."""
    text = summary.markdown(result, stored)
    (directory / "summary.md").write_text(text + "\n", encoding="utf-8")
    page = directory / "report.html"
    page.write_text("\n".join(_page(result, text)), encoding="utf-8")
    return page


def _page(result: Result, text: str) -> Iterator[str]:
    about = result["about"]
    yield "<!doctype html><html lang=en><meta charset=utf-8><title>ingest, measured "
    yield f"{html.escape(about['date'])}</title><style>{STYLE}</style><h1>ingest, measured</h1>"
    yield _as_html(text)
    if result["outcomes"]:
        yield "<h2>Throughput</h2><p>Medians of all runs.</p>"
        yield _figure(_throughput(result))
        yield "<h2>CPU by part</h2><p>Medians of all runs.</p>"
        yield from map(_figure, _cpu(result))
        yield from _windows(result)
        yield "<h2>Latency</h2><p>The last run of each system.</p>"
        yield from map(_figure, _latencies(result))
        yield "<h2>Backlog and memory over time</h2><p>The last run of each system.</p>"
        yield from map(_figure, _over_time(result))
    yield "<h2>Every number</h2>"
    yield from _all_tables(result)
    yield f"<h2>Measured on</h2><pre>{html.escape(json.dumps(about, indent=1))}</pre></html>"


def _throughput(result: Result) -> str:
    figures = Figures(result)
    kinds = {
        "crash, accepted": ("crash", "accepted_events_s"),
        "crash, stored": ("crash", "stored_events_s"),
        "sustained": ("sustained", "sustained_events_s"),
        "singles": ("singles", "requests_s"),
    }
    shown = [name for name, kind in kinds.items() if figures.get(PRODUCT, *kind)]
    series = {
        system: [_median(figures.get(system, *kinds[name])) for name in shown]
        for system in (PRODUCT, BASELINE)
    }
    return charts.bars("Events and requests a second", "a second", shown, series)


def _cpu(result: Result) -> Iterator[str]:
    for scenario in ("sustained", "crash"):
        parts = cpu_parts(result, scenario)
        for systems in ((PRODUCT, PLAIN), (BASELINE,)):
            shown = [system for system in systems if system in parts]
            names = sorted({name for system in shown for name in parts[system]}, key=_place)
            series = {name: [parts[system].get(name, 0.0) for system in shown] for name in names}
            if shown:
                title = f"CPU of an event, {scenario}: {' and '.join(shown)}"
                colours = [charts.COLOURS[_place(name)[0]] for name in names]
                yield charts.stacked(title, "µs", shown, series, colours)


def _place(name: str) -> tuple[int, str]:
    """Say where a part stands on an event's way; parts of a kind have one colour everywhere."""
    return WAY.index(name.partition("-")[0]), name


def cpu_parts(result: Result, scenario: str) -> dict[str, dict[str, float]]:
    """Give each system's parts with the medians of their CPU."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for outcome in result["outcomes"]:
        if outcome["scenario"] == scenario:
            for part, us in outcome["details"]["cpu_us_event"].items():
                found[outcome["system"]][part].append(us)
    return {
        system: {part: statistics.median(values) for part, values in parts.items()}
        for system, parts in found.items()
    }


def _windows(result: Result) -> Iterator[str]:
    """Tell how each search for the sustained rate went: a slow minute of the host may decide it."""
    searched = [one for one in result["outcomes"] if one["details"].get("windows")]
    if searched:
        yield "<h2>Search for the sustained rate</h2>"
        head = ["system, run", "offered, events/s", "accepted", "backlog's growth, events/s",
                "seconds", "held", "a core hashed, MB/s", "stolen, %"]  # fmt: skip
        yield _table(head, [_window(one, each) for one in searched for each in
                            one["details"]["windows"]])  # fmt: skip


def _window(outcome: Mapping[str, Any], window: Mapping[str, float]) -> list[str]:
    return [
        f"{outcome['system']}, {outcome['repeat'] + 1}",
        *(f"{window[name]:,.0f}" for name in ("offered", "accepted", "growth", "seconds")),
        "yes" if window["is_sustained"] else "no",
        f"{window['core_mb_s']:,.0f}",
        f"{window['steal_percent']:.1f}",
    ]


def _latencies(result: Result) -> Iterator[str]:
    for scenario in _scenarios(result):
        curves = {
            outcome["system"]: outcome["details"]["generator"]["latency_us"]["curve"]
            for outcome in result["outcomes"]
            if outcome["scenario"] == scenario
        }
        series = {system: curves[system] for system in SYSTEMS if system in curves}
        if scenario.startswith(("realistic", "crash", "singles")):
            yield charts.latencies(f"Latency of accepted requests, {scenario}", series)


def _over_time(result: Result) -> Iterator[str]:
    for outcome in _last_repeat(result):
        if outcome["scenario"] in {"crash", "sustained", "soak"}:
            samples = outcome["details"]["samples"]
            title = f"{outcome['system']}, {outcome['scenario']}"
            series = {
                name: [(one["at_s"], float(one[name])) for one in samples]
                for name in ("accepted", "settled", "backlog")
            }
            yield charts.over_time(f"{title}: events", "events", series)
            yield charts.over_time(f"{title}: memory of its own", "MiB", _memory(outcome))


def _memory(outcome: Mapping[str, Any]) -> dict[str, charts.Points]:
    weighed = outcome["details"]["memory"]
    return {
        name: [(at_s, parts[name] / (1 << 20)) for at_s, parts in weighed if name in parts]
        for name in (weighed[-1][1] if weighed else {})
    }


def _all_tables(result: Result) -> Iterator[str]:
    figures = Figures(result)
    for scenario in _scenarios(result):
        systems = [system for system in SYSTEMS if figures.names(system, scenario)]
        names = list(dict.fromkeys(n for one in systems for n in figures.names(one, scenario)))
        rows = [
            [name, *(summary.text(figures.get(system, scenario, name)) for system in systems)]
            for name in names
        ]
        yield f"<h3>{html.escape(scenario)}</h3>" + _table(["", *systems], rows)
    yield "<h3>Limits of the parts</h3>" + _as_html(summary.limits(figures))


def _scenarios(result: Result) -> list[str]:
    return list(dict.fromkeys(outcome["scenario"] for outcome in result["outcomes"]))


def _last_repeat(result: Result) -> list[dict[str, Any]]:
    last = {(one["system"], one["scenario"]): one for one in result["outcomes"]}
    return list(last.values())


def _median(figure: Figure | None) -> float:
    return figure.median if figure else 0.0


def _as_html(text: str) -> str:
    """Turn the summary's own Markdown, tables and paragraphs, into HTML."""
    return "".join(map(_block_as_html, text.split("\n\n")))


def _block_as_html(block: str) -> str:
    lines = [line for line in block.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
    told = [line for line in block.splitlines() if line and line[0] != "|"]
    table = _table(cells[0], cells[2:]) if cells else ""
    return table + "".join(f"<p>{html.escape(line)}</p>" for line in told)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{_marked(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line('th', head)}{''.join(line('td', row) for row in rows)}</table>"


def _marked(text: str) -> str:
    """Escape a cell; one that stands between two pairs of stars is bold."""
    bold = text.removeprefix("**").removesuffix("**")
    return html.escape(text) if bold == text else f"<b>{html.escape(bold)}</b>"


def _figure(svg: str) -> str:
    return f"<figure>{svg}</figure>"
