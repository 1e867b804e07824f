"""The overview under load: numbers and plots that move, on desk and phone, light and dark."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.watched import fits, wider_inside
from tests.running import event, until

if TYPE_CHECKING:
    from tests.browser.watched import Watched

MOVED_S = 30.0
BATCH = 100
VIEWS = ("overview", "live", "letters", "projects")
CONTRAST = Path(__file__).with_name("contrast.js")
PHONE: Any = {"width": 360, "height": 740}


def drawn(page: Page) -> list[str]:
    """Give what the plots show, as data of pictures."""
    shown: list[str] = page.locator("#plots canvas").evaluate_all(
        "all => all.map(one => one.toDataURL())"
    )
    return shown


def tile(page: Page, title: str) -> Locator:
    return page.locator(".tile", has=page.get_by_text(title, exact=True)).locator("dd")


def test_numbers_and_plots_move_under_load(watched: Watched) -> None:
    page = watched.open()
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator("#plots canvas")).to_have_count(6)
    before = drawn(page)
    bad = {"event_type": "nonsense"}

    def is_moving() -> bool:
        watched.stack.post(*[event() for _ in range(BATCH)], event() | bad)
        return tile(page, "Events in").inner_text()[0] in "123456789"

    until(is_moving, MOVED_S, "events in")
    until(lambda: not set(before) & set(drawn(page)[:4]), MOVED_S, "other plots")
    expect(tile(page, "Rejected")).to_contain_text(re.compile(r"[1-9][\d,]* events?"))
    expect(tile(page, "Request p95")).to_contain_text("ms")
    refusals = page.locator("#refusals")
    expect(refusals.get_by_role("row", name="unknown_event_type")).to_be_visible()
    assert page.locator(".legend dd").first.inner_text().endswith("/s")


def test_every_process_is_there(watched: Watched) -> None:
    page = watched.open()
    for name in watched.stack.run.pids:
        row = page.locator("#processes").get_by_role("row", name=name)
        expect(row).to_contain_text("running")
        expect(row).to_contain_text("MiB")
    expect(page.locator("#faults")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(watched: Watched, scheme: Any) -> None:
    watched.page.emulate_media(color_scheme=scheme)
    page = watched.open()
    expect(page.locator("#tiles")).to_contain_text("Freshness")
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
    weak = page.evaluate(CONTRAST.read_text(encoding="utf-8"))
    assert not weak, weak


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_need_not_scroll_sideways(watched: Watched, view: str) -> None:
    watched.page.set_viewport_size(PHONE)
    page = watched.open(view)
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator(f"#{view} .scroll").first).not_to_be_empty()
    assert fits(page)
    assert wider_inside(page, view) == []


def test_a_phone_shows_each_figure_with_its_name(watched: Watched) -> None:
    watched.page.set_viewport_size(PHONE)
    page = watched.open()
    assert watched.stack.post(event(), event(event_type="nonsense")).status_code == 202
    expect(page.locator("#refusals tr", has_text="unknown_event_type")).to_be_visible()
    expect(page.locator("#processes tr", has_text="worker-0")).to_be_visible()
    assert wider_inside(page, "overview") == []
    assert named_figures(page, "processes") == ["CPU", "Memory", "Restarts", "Up for", "Pid"]
    assert named_figures(page, "refusals") == ["Now", "Since start"]


def named_figures(page: Page, table: str) -> list[str]:
    """Give the names that the page writes before the figures of a table's first row."""
    names: list[str] = page.evaluate(
        "table => [...document.querySelectorAll(`#${table} tbody tr:first-child td`)]"
        ".map((cell) => getComputedStyle(cell, '::before').content)"
        ".filter((name) => name !== 'none').map((name) => name.replaceAll('\"', '').trim())",
        table,
    )
    return names


def test_the_keyboard_reaches_everything(watched: Watched) -> None:
    page = watched.open()
    seen = set()
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.textContent.trim().split(' ')[0]"))
    assert {"Overview", "Live", "Dead", "Projects", "Log"} <= seen
    page.get_by_role("link", name="Projects").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Projects and keys")).to_be_visible()
