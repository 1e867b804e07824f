"""The report: one HTML file with everything in it."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from bench.crash import plot, table
from bench.crash.plot import Mark, Panel, Series
from bench.crash.summary import facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from bench.crash.experiment import Course, Outcome
    from bench.crash.plot import Point
    from bench.crash.samples import Sample

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:1240px;color:#222}
body{margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.15rem .7rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}
svg{width:100%;height:auto;font-size:11px}
svg text{fill:#444}.value{text-anchor:end}.time{text-anchor:middle}
.axis{fill:none;stroke:#999}.fault{fill:#e8b84b;opacity:.28}.wrong{fill:#d33;opacity:.5}
.good{color:#17692d}.bad{color:#b00020}
"""
BLUE, GREEN, RED = "#2563b0", "#23883f", "#b0403a"
#: Samples further apart than this have an outage between them.
GAP_S = 4.0


def html(outcomes: Sequence[Outcome], about: dict[str, Any], command: str) -> str:
    """Write the page."""
    is_clean = all(outcome.is_clean for outcome in outcomes)
    verdict = "Every promise was kept." if is_clean else "Something went wrong: see below."
    style = "good" if is_clean else "bad"
    legs = "".join(_leg(outcome) for outcome in outcomes)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>ingest: crash experiment</title>
<style>{STYLE}</style>
<h1>Crash experiment</h1>
<p class="{style}"><strong>{verdict}</strong></p>
<p>Acknowledged events are compared with the table after the faults below, under load. A bar is a
fault, from its begin until every process ran, a request was accepted and all that had been accepted
was stored. Point at one for its name.</p>
<pre>{escape(command)}</pre>
{_facts(about)}
<h2>By fault</h2>
{_rows(table.HEADINGS, (line.cells() for line in table.lines(outcomes)))}
<p>Recovery counts from the end of the fault (of one that is overcome while it lasts: from its
begin). <em>refused</em>: attempts between begin and recovery that were not accepted; clients repeat
them. In a step of two faults both count.</p>
{legs}
</html>
"""


def _leg(outcome: Outcome) -> str:
    steps = (
        (noted.step.number, noted.step.label, f"{noted.recovery_s:.1f}", noted.failure)
        for noted in outcome.course.noted
    )
    wrong = "".join(
        f"<li>{escape(finding.kind)}: {escape(finding.what)}</li>"
        for finding in outcome.verdict.findings[:100]
    )
    return f"""<h2>{escape(outcome.leg.ground.value)}</h2>
{_timeline(outcome)}
{_facts(dict(facts(outcome)))}
<ul class="bad">{wrong}</ul>
<details><summary>All steps</summary>{_rows(("", "fault", "recovery s", ""), steps)}</details>
"""


def _timeline(outcome: Outcome) -> str:
    course = outcome.course
    start = course.began_at
    rate: list[Point | None] = [
        (second - start, float(outcome.answers.accepted[second]))
        for second in range(int(start) + 1, int(course.ended_at))
    ]
    panels = [
        Panel(
            "events a second",
            [
                Series("accepted", BLUE, rate),
                Series("stored", GREEN, _stored(course.samples, start)),
            ],
        ),
        Panel("events accepted and not stored yet", [Series("lag", RED, _lag(course, start))]),
    ]
    marks = [
        Mark(noted.began_at - start, noted.well_at - start, noted.step.label, noted.is_late)
        for noted in course.noted
    ]
    return plot.draw(panels, marks, course.ended_at - start)


def _stored(samples: Sequence[Sample], start: float) -> list[Point | None]:
    points: list[Point | None] = []
    for before, after in pairwise(samples):
        seconds = after.at - before.at
        if seconds > GAP_S:
            points.append(None)
        points.append((after.at - start, max(0.0, (after.settled - before.settled) / seconds)))
    return points


def _lag(course: Course, start: float) -> list[Point | None]:
    points: list[Point | None] = []
    for sample in course.samples:
        if points and points[-1] and sample.at - start - points[-1][0] > GAP_S:
            points.append(None)
        points.append((sample.at - start, float(sample.lag)))
    return points


def _facts(found: dict[str, Any]) -> str:
    return _rows((), ((name, str(value)) for name, value in found.items()))


def _rows(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in headings)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
