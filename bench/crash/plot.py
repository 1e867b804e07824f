"""The timeline as inline SVG: what was accepted and stored each second, what waited, the faults."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, LEFT, RIGHT = 1200, 70, 10
PANEL, GAP, MARKS = 150, 34, 22
Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One line of a panel; None in `points` is a gap."""

    name: str
    colour: str
    points: Sequence[Point | None]


@dataclass(frozen=True)
class Panel:
    """Lines that share an axis."""

    title: str
    series: Sequence[Series]

    @property
    def top(self) -> float:
        """The largest value; at least 1."""
        return max((p[1] for one in self.series for p in one.points if p), default=0.0) or 1.0


@dataclass(frozen=True)
class Mark:
    """A fault: from begin to recovery, in seconds since the start."""

    began: float
    ended: float
    label: str
    is_wrong: bool


def draw(panels: Sequence[Panel], marks: Sequence[Mark], seconds: float) -> str:
    """Draw the panels above each other, over one axis of time."""
    scale = (WIDTH - LEFT - RIGHT) / max(seconds, 1.0)
    height = MARKS + len(panels) * (PANEL + GAP)
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg">']
    parts += (_mark(mark, scale, height - GAP) for mark in marks)
    for row, panel in enumerate(panels):
        top = MARKS + row * (PANEL + GAP)
        parts += _axes(panel, top)
        parts += (_line(one, panel.top, top, scale) for one in panel.series)
    parts += _times(seconds, scale, height - GAP)
    return "\n".join([*parts, "</svg>"])


def _mark(mark: Mark, scale: float, bottom: float) -> str:
    left, width = LEFT + mark.began * scale, max((mark.ended - mark.began) * scale, 1.0)
    style = "wrong" if mark.is_wrong else "fault"
    return (
        f'<rect class="{style}" x="{left:.1f}" y="{MARKS - 12}" width="{width:.1f}" '
        f'height="{bottom - MARKS + 12:.1f}"><title>{escape(mark.label)}</title></rect>'
    )


def _axes(panel: Panel, top: float) -> list[str]:
    bottom = top + PANEL
    lines = [
        f'<text x="{LEFT}" y="{top - 3}">{escape(panel.title)}</text>',
        f'<path class="axis" d="M{LEFT} {top}V{bottom}H{WIDTH - RIGHT}"/>',
        f'<text class="value" x="{LEFT - 6}" y="{top + 10}">{panel.top:,.0f}</text>',
        f'<text class="value" x="{LEFT - 6}" y="{bottom}">0</text>',
    ]
    for place, one in enumerate(panel.series):
        x = LEFT + 320 + 180 * place
        lines.append(f'<text x="{x}" y="{top - 3}" fill="{one.colour}">{escape(one.name)}</text>')
    return lines


def _line(series: Series, highest: float, top: float, scale: float) -> str:
    path = ""
    for before, point in pairwise([None, *series.points]):
        if point is None:
            continue
        x, y = LEFT + point[0] * scale, top + PANEL * (1 - point[1] / highest)
        path += f"{'L' if before else 'M'}{x:.1f} {y:.1f}"
    return f'<path fill="none" stroke="{series.colour}" d="{path}"/>'


def _times(seconds: float, scale: float, bottom: float) -> list[str]:
    step = next((s for s in (10, 30, 60, 120, 300, 600) if seconds / s <= 12), 1200)
    return [
        f'<text class="time" x="{LEFT + at * scale:.1f}" y="{bottom + 16}">{_clock(at)}</text>'
        for at in range(0, int(seconds) + 1, step)
    ]


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"
