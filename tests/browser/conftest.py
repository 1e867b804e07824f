"""Debian's Chromium without a window, driven over its debugging pipe; nothing is downloaded."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ViewportSize

    from tests.running import Running

FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEADLINE_MS = 20_000.0
DESK: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser with an empty profile, which ends with it."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def watched(browser: Browser, stack: Running) -> Iterator[Watched]:
    """Give a page that may not complain, nor ask anybody but the admin process."""
    context = browser.new_context(viewport=DESK)
    context.set_default_timeout(DEADLINE_MS)
    page = Watched(context, stack)
    yield page
    context.close()
    page.check()
