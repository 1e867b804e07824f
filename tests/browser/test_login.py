"""How one gets in: by a link, once; by the token; not otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.watched import Watched


def submit(page: Page, token: str) -> None:
    page.get_by_label("Admin token").fill(token)
    page.get_by_role("button", name="Log in").click()


def test_a_link_works_once(watched: Watched) -> None:
    watched.expect_status(403)
    page, link = watched.page, watched.link()
    page.goto(link)
    page.wait_for_url(f"{watched.origin}/")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{watched.origin}/login")
    page.goto(link)
    expect(page.get_by_role("status")).to_contain_text("Not logged in")
    assert page.url == f"{watched.origin}/login"
    page.goto(f"{watched.origin}/")
    assert page.url == f"{watched.origin}/login"


def test_the_token_works_and_another_does_not(watched: Watched) -> None:
    watched.expect_status(403)
    page = watched.page
    page.goto(f"{watched.origin}/")
    page.wait_for_url(f"{watched.origin}/login")
    submit(page, watched.stack.run.admin_token + "x")
    expect(page.get_by_role("status")).to_contain_text("Not logged in")
    submit(page, watched.stack.run.admin_token)
    page.wait_for_url(f"{watched.origin}/")


def test_no_script_can_read_the_cookie(watched: Watched) -> None:
    page = watched.open()
    assert page.evaluate("document.cookie") == ""
    (cookie,) = watched.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert cookie["path"] == "/"


def test_a_session_ends_with_the_logout(watched: Watched) -> None:
    page = watched.open()
    (cookie,) = watched.context.cookies()
    pair = {cookie["name"]: cookie["value"]}
    url = f"{watched.origin}/api/v1/dead-letters"
    assert httpx.get(url, cookies=pair).status_code == 200
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{watched.origin}/login")
    assert httpx.get(url, cookies=pair).status_code == 401


def test_who_is_not_logged_in_is_sent_where_one_does(watched: Watched) -> None:
    watched.page.goto(f"{watched.origin}/#letters")
    watched.page.wait_for_url(re.compile("/login"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read(watched: Watched, scheme: str) -> None:
    watched.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a Literal
    watched.page.goto(f"{watched.origin}/login")
    expect(watched.page.get_by_label("Admin token")).to_be_focused()
