"""Projects and keys by clicking: made, rotated, revoked, put on another plan."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
from playwright.sync_api import Page, expect

from tests.running import event, until

if TYPE_CHECKING:
    from tests.browser.watched import Watched

KNOWN_S = 5.0


def send(watched: Watched, key: str) -> int:
    answer = httpx.post(
        f"{watched.stack.run.url}/v1/events", json=event(), headers={"X-Api-Key": key}
    )
    return answer.status_code


def made(page: Page) -> tuple[str, str]:
    """Make a project; gives its name and the key, which the page shows once."""
    name = f"shop {uuid4().hex[:8]}"
    page.get_by_label("New project").fill(name)
    page.get_by_role("button", name="Create").click()
    return name, shown(page)


def shown(page: Page) -> str:
    key: str = page.locator("dialog output").inner_text()
    page.get_by_role("dialog").last.get_by_role("button", name="Close").click()
    expect(page.locator("dialog output")).to_have_count(0)
    return key


def test_a_project_is_made_and_its_key_is_shown_once(watched: Watched) -> None:
    page = watched.open("projects")
    name, key = made(page)
    expect(page.get_by_role("row", name=name)).to_contain_text("free")
    until(lambda: send(watched, key) == 202, KNOWN_S, "the key works")
    assert key not in page.content()


def test_a_key_is_rotated_and_revoked(watched: Watched) -> None:
    page = watched.open("projects")
    name, old = made(page)
    page.get_by_role("button", name=f"Keys of {name}").click()
    keys = page.get_by_role("dialog", name=f"Keys of {name}")
    keys.get_by_label("Name").fill("second")
    keys.get_by_label("The others").select_option("end now")
    keys.get_by_role("button", name="New key").click()
    new = shown(page)
    until(lambda: send(watched, new) == 202, KNOWN_S, "the new key works")
    until(lambda: send(watched, old) in {401, 403}, KNOWN_S, "the old key is refused")
    keys.get_by_role("row", name="second").get_by_role("button").click()
    page.get_by_role("dialog").last.get_by_role("button", name="Revoke").click()
    expect(keys.get_by_role("row", name="second")).to_contain_text("revoked")
    until(lambda: send(watched, new) == 403, KNOWN_S, "the new key is refused")


def test_a_project_is_put_on_another_plan(watched: Watched) -> None:
    page = watched.open("projects")
    name, _ = made(page)
    page.get_by_label(f"Plan of {name}").select_option("enterprise")
    expect(page.locator("#told")).to_contain_text(f"{name} is on the plan enterprise")
    page.reload()
    expect(page.get_by_label(f"Plan of {name}")).to_have_value("enterprise")


def test_a_name_that_is_taken_is_told(watched: Watched) -> None:
    page = watched.open("projects")
    name, _ = made(page)
    watched.expect_status(409)
    page.get_by_label("New project").fill(name)
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#told")).to_contain_text("a project of this name exists")
