"""One system from its first minute to a bad night: empty, busy, overloaded, broken, well again."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DEADLINE_MS, DESK
from tests.browser.watched import Watched
from tests.running import Running, event, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The least that is allowed, so that it is full soon.
SMALL = {"INGEST_VALKEY_MAX_BYTES": str(32 << 20)}
FULL_S = 120.0
SEEN_MS = 45_000.0
TITLE_BYTES = 400


def test_every_state_is_told(browser: Browser, base: Path) -> None:
    with Running(base / "data", env=SMALL) as running, watching(browser, running) as watched:
        page = watched.open()
        empty(page)
        busy(watched)
        overloaded(watched)
        broken(watched)
        expect(page.locator("#faults")).to_be_hidden(timeout=SEEN_MS)


def empty(page: Page) -> None:
    tiles = page.locator("#tiles")
    expect(tiles).to_contain_text("0 accepted", timeout=SEEN_MS)
    expect(tiles).to_contain_text("0 events")
    expect(page.locator("#refusals")).to_contain_text("Nothing was refused.")
    expect(page.locator("#faults")).to_be_hidden()


def busy(watched: Watched) -> None:
    for _ in range(10):
        assert watched.stack.post(*[event() for _ in range(50)]).status_code == 202
    tiles = watched.page.locator("#tiles")
    expect(tiles).to_contain_text("500 accepted", timeout=SEEN_MS)
    expect(tiles).to_contain_text("500 and 0 duplicates", timeout=SEEN_MS)


def overloaded(watched: Watched) -> None:
    page = watched.page
    with frozen(watched.stack, "consumer-0"), frozen(watched.stack, "consumer-1"):
        until(lambda: watched.stack.post(*large()).status_code == 503, FULL_S, "Valkey is full")
        expect(page.locator("#faults")).to_contain_text("stream_full", timeout=SEEN_MS)
        expect(page.locator(".tile.bad", has_text="Back-pressure")).to_contain_text("stream_full")
        expect(page.locator("#processes").get_by_role("row", name="consumer-0")).to_contain_text(
            "silent", timeout=SEEN_MS
        )
        expect(page.locator("#refusals")).to_contain_text("stream_full", timeout=SEEN_MS)
    expect(page.locator("#faults")).to_be_hidden(timeout=SEEN_MS)


def broken(watched: Watched) -> None:
    page = watched.page
    watched.expect_status(503)
    with frozen(watched.stack, "postgres"):
        expect(page.locator("#faults")).to_contain_text("postgresql", timeout=SEEN_MS)
        expect(page.locator("#link")).to_have_text("live")
        assert watched.stack.post(event()).status_code == 202
        page.get_by_role("link", name="Dead letters").click()
        expect(page.locator("#told")).to_contain_text("That did not work", timeout=SEEN_MS)
        page.get_by_role("link", name="Overview").click()


def large() -> list[dict[str, object]]:
    """Make events that LZ4 can't make small."""
    title = {"title": secrets.token_urlsafe(TITLE_BYTES)}
    return [event(properties=title | {"n": secrets.token_urlsafe(900)}) for _ in range(500)]


@contextmanager
def frozen(running: Running, name: str) -> Iterator[None]:
    """Stop a process of the system and its children where they are."""
    parent = psutil.Process(running.run.pids[name])
    processes = [parent, *parent.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@contextmanager
def watching(browser: Browser, running: Running) -> Iterator[Watched]:
    context = browser.new_context(viewport=DESK)
    context.set_default_timeout(DEADLINE_MS)
    watched = Watched(context, running)
    yield watched
    context.close()
    watched.check()
