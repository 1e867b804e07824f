"""The latest events and refusals as they come: by project and type, with a pause, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
from playwright.sync_api import Page, expect

from tests.browser.watched import is_unhurt
from tests.running import event, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.watched import Watched

SEEN_S = 20.0
ATTACK = "<img src=x onerror='window.hurt = 1'><script>window.hurt = 1</script>"


def until_shown(page: Page, text: str, send: Callable[[], object]) -> None:
    """Send again until it is shown: what is sent before the feed has begun is not."""

    def is_shown() -> bool:
        send()
        page.wait_for_timeout(300)
        return page.locator("#live").get_by_text(text).count() > 0

    until(is_shown, SEEN_S, text)


def post(watched: Watched, key: str | None = None, **fields: object) -> httpx.Response:
    key = key or watched.stack.run.api_key
    return httpx.post(
        f"{watched.stack.run.url}/v1/events", json=event(**fields), headers={"X-Api-Key": key}
    )


def test_events_and_refusals_are_shown_as_text(watched: Watched) -> None:
    page, mark = watched.open("live"), uuid4().hex
    properties = {"title": f"{mark} {ATTACK}"}
    until_shown(page, mark, lambda: post(watched, properties=properties, user_id=ATTACK))
    page.locator("#events summary").first.click()
    expect(page.locator("#events pre").first).to_contain_text(ATTACK)
    until_shown(page, "unknown_event_type", lambda: post(watched, event_type=ATTACK))
    expect(page.locator("#refused")).to_contain_text("422")
    assert is_unhurt(page)


def test_a_list_is_never_higher_than_the_window(watched: Watched) -> None:
    page, mark = watched.open("live"), uuid4().hex
    page.set_viewport_size({"width": 360, "height": 300})
    until_shown(page, mark, lambda: post(watched, properties={"title": f"{mark} " * 40}))
    until(lambda: scrolls(page) or not post(watched), SEEN_S, "more than fits")
    assert page.evaluate("document.querySelector('#events ol').clientHeight") < 300


def scrolls(page: Page) -> bool:
    page.wait_for_timeout(100)
    found: bool = page.evaluate(
        "(list => list.scrollHeight > list.clientHeight)(document.querySelector('#events ol'))"
    )
    return found


def test_one_asks_for_a_project_and_a_type(watched: Watched) -> None:
    page, mark = watched.open("live"), uuid4().hex
    until_shown(page, mark, lambda: post(watched, properties={"title": mark}))
    kind = page.get_by_label("Type or reason")
    kind.fill("purchase")
    expect(page.locator("#events li")).to_have_count(0)
    kind.fill("page_")
    expect(page.locator("#events li").first).to_contain_text("page_view")
    kind.fill("")
    bearer = {"Authorization": f"Bearer {watched.stack.run.admin_token}"}
    url, name = f"{watched.origin}/api/v1/project", f"other {mark[:8]}"
    key = httpx.post(url, json={"name": name}, headers=bearer).json()["api_key"]
    until_shown(page, name, lambda: post(watched, key))
    page.locator("#live select").select_option(label=name)
    expect(page.locator("#events li").first).to_contain_text(name)
    expect(page.locator("#events")).not_to_contain_text(mark)


def test_a_pause_lets_one_read(watched: Watched) -> None:
    page, first, second = watched.open("live"), uuid4().hex, uuid4().hex
    until_shown(page, first, lambda: post(watched, properties={"title": first}))
    page.get_by_role("button", name="Pause").click()
    for _ in range(5):
        post(watched, properties={"title": second})
    page.wait_for_timeout(2000)
    expect(page.locator("#events")).not_to_contain_text(second)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#events")).to_contain_text(second)
