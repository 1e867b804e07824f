"""The plot is well-formed, stays inside its frame, and shows gaps and faults."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from bench.crash import plot
from bench.crash.plot import Mark, Panel, Series

SVG = "{http://www.w3.org/2000/svg}"
POINTS = [(0.0, 0.0), (10.0, 50.0), None, (40.0, 100.0), (60.0, 20.0)]
PANEL = Panel("events & rows", [Series("<accepted>", "#123456", POINTS)])
MARKS = [Mark(5.0, 12.0, "kill worker", False), Mark(60.0, 60.0, "full disk", True)]


def drawn() -> ET.Element:
    return ET.fromstring(plot.draw([PANEL, PANEL], MARKS, 60.0))  # noqa: S314 - our own


def lines() -> list[str]:
    return [path.attrib["d"] for path in drawn().iter(f"{SVG}path") if "stroke" in path.attrib]


def test_a_line_stays_inside_its_panel_and_is_broken_at_a_gap() -> None:
    first, second = lines()
    assert re.findall("[ML]", first) == ["M", "L", "M", "L"]
    for line, row in ((first, 0), (second, 1)):
        top = plot.MARKS + row * (plot.PANEL + plot.GAP)
        for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", line):
            assert plot.LEFT <= float(x) <= plot.WIDTH - plot.RIGHT
            assert top <= float(y) <= top + plot.PANEL


def test_the_highest_value_touches_the_top() -> None:
    assert f" {plot.MARKS:.1f}" in lines()[0]


def test_faults_are_named_and_told_apart() -> None:
    marks = list(drawn().iter(f"{SVG}rect"))
    assert [mark.attrib["class"] for mark in marks] == ["fault", "wrong"]
    assert [mark[0].text for mark in marks] == ["kill worker", "full disk"]
    assert all(float(mark.attrib["width"]) >= 1 for mark in marks)


def test_nothing_to_draw_is_drawn() -> None:
    empty = Panel("nothing", [Series("none", "#123456", [])])
    ET.fromstring(plot.draw([empty], [], 0.0))  # noqa: S314 - our own
