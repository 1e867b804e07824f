"""The report's plots as inline SVG, drawn by pygal; they load nothing."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import pygal
from pygal.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# It leaves a finder of Python 3.3 behind, about which every later import of what is missing warns.
sys.meta_path[:] = [
    finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)
]

Points = list[tuple[float, float]]
#: No more points than pixels.
MOST_POINTS = 300
NINES = ((0.0, "0 %"), (1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (4.0, "99.99 %"))

MILLISECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)
SPARE = 3.0
#: Of the bars' scale, which ends below a million.
DECADES, TOP = 6, 1e6
COLOURS = (
    *("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2"),
    *("#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#bab0ac"),
)
LOOK: dict[str, Any] = {
    "width": 860, "height": 380, "js": (), "show_dots": False,
    "legend_at_bottom": True, "disable_xml_declaration": True, "x_label_rotation": 0,
}  # fmt: skip


def style(colours: Sequence[str] = COLOURS) -> Style:
    """Give the look of a chart whose series have these colours."""
    return Style(
        background="#ffffff", plot_background="#ffffff", font_family="sans-serif",
        colors=tuple(colours), label_font_size=13, major_label_font_size=13, legend_font_size=13,
        title_font_size=16,
    )  # fmt: skip


def over_time(title: str, unit: str, series: Mapping[str, Points]) -> str:
    """Draw values against seconds."""
    chart = pygal.XY(title=title, x_title="s", y_title=unit, style=style(), **LOOK)
    for name, points in series.items():
        chart.add(name, thinned(points))
    return _svg(chart)


def latencies(title: str, series: Mapping[str, Iterable[Sequence[float]]]) -> str:
    """Draw milliseconds by quantile; each step to the right is one more nine."""
    chart = pygal.XY(title=title, y_title="ms", style=style(), **LOOK)
    chart.x_labels = [{"value": at, "label": label} for at, label in NINES]
    for name, curve in series.items():
        # pygal's own logarithmic scale would bend the x axis too.
        points = [(_nines(share), math.log10(us / 1000)) for share, us in curve if share < 1.0]
        chart.add(name, points)
    most = max((us for curve in series.values() for _, us in curve), default=1) / 1000
    shown = [ms for ms in MILLISECONDS if ms < SPARE * most]
    chart.y_labels = [{"value": math.log10(ms), "label": f"{ms:,g}"} for ms in shown]
    return _svg(chart)


def bars(title: str, unit: str, groups: Sequence[str], series: Mapping[str, list[float]]) -> str:
    """Draw one bar of each series in each group, on a logarithmic scale."""
    known = [value for values in series.values() for value in values if value]
    low = 10.0 ** math.floor(math.log10(min(known, default=1.0)))
    chart = pygal.Bar(
        title=title,
        y_title=unit,
        logarithmic=True,
        print_values=True,
        zero=low,
        style=style(),
        **LOOK,
    )
    chart.value_formatter = lambda value: f"{value:,.0f}" if value else ""
    chart.x_labels = groups
    chart.y_labels = [low * 10**power for power in range(DECADES) if low * 10**power <= TOP]
    chart.range = (low, max(known, default=1.0) * 1.5)
    for name, values in series.items():
        chart.add(name, values)
    return _svg(chart)


def stacked(
    title: str,
    unit: str,
    groups: Sequence[str],
    parts: Mapping[str, list[float]],
    colours: Sequence[str],
) -> str:
    """Draw the parts of each group on top of each other, each in its colour."""
    chart = pygal.HorizontalStackedBar(title=title, x_title=unit, style=style(colours), **LOOK)
    chart.x_labels = groups
    for name, values in parts.items():
        chart.add(name, values)
    return _svg(chart)


def thinned(points: Points) -> Points:
    """Keep every so-many-th point."""
    step = max(1, len(points) // MOST_POINTS)
    return points[::step]


def _nines(share: float) -> float:
    return -math.log10(1.0 - share)


def _svg(chart: Any) -> str:
    return str(chart.render(is_unicode=True))
