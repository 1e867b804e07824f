"""A page in Chromium whose every request and complaint is noted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

    from tests.running import Running

NEVER = re.compile(r"(?!)")


class Watched:
    """One page of a context of its own; `check` fails on what no page of ours may do."""

    def __init__(self, context: BrowserContext, stack: Running) -> None:
        self.stack = stack
        self.context = context
        self.page: Page = context.new_page()
        # Console lines that this test provokes; Chromium itself writes one for each 4xx.
        self.expected = NEVER
        self._complaints: list[str] = []
        self._requests: list[str] = []
        self.page.on("console", self._note_line)
        self.page.on("pageerror", lambda error: self._complaints.append(str(error)))
        context.on("request", self._note_request)

    @property
    def origin(self) -> str:
        """The only address that the page may ask."""
        return self.stack.run.admin_url

    def open(self, view: str = "overview") -> Page:
        """Log in by a fresh link and open a view."""
        self.page.goto(self.link())
        self.page.wait_for_url(f"{self.origin}/")
        self.page.goto(f"{self.origin}/#{view}")
        self.page.locator(f"#{view}").wait_for()
        return self.page

    def link(self) -> str:
        """Ask for a link that works once, as `ingest dashboard` does."""
        bearer = {"Authorization": f"Bearer {self.stack.run.admin_token}"}
        answer = httpx.post(f"{self.origin}/api/v1/login-code", headers=bearer)
        assert answer.status_code == 200, answer.text
        return f"{self.origin}/login#code={answer.json()['code']}"

    def expect_status(self, status: int) -> None:
        """Let the browser say in its console that an answer had this status."""
        self.expected = re.compile(rf"status of {status}\b")

    def check(self) -> None:
        """Fail on a line in the console, an error, or a request to another origin."""
        lines = [line for line in self._complaints if not self.expected.search(line)]
        assert not lines, lines
        assert self._requests
        assert {self._origin_of(url) for url in self._requests} <= {self.origin, "data://"}

    def _note_line(self, message: ConsoleMessage) -> None:
        self._complaints.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        self._requests.append(request.url)

    @staticmethod
    def _origin_of(url: str) -> str:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}"


def fits(page: Page) -> bool:
    """Tell whether the page is as wide as the window: nobody has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def wider_inside(page: Page, view: str) -> list[str]:
    """Name the boxes of a view that hide something at their side."""
    wide: list[str] = page.evaluate(
        "view => [...document.querySelectorAll(`#${view} .scroll`)]"
        ".filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.id)",
        view,
    )
    return wide


def is_unhurt(page: Page) -> bool:
    """Tell whether nothing that a stranger sent became markup, let alone ran."""
    hurt: list[object] = page.evaluate(
        "[window.hurt ?? 0, document.querySelectorAll('main script, main img, dialog img').length]"
    )
    return hurt == [0, 0]
