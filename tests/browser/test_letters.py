"""Dead letters by clicking: real ones, read, replayed and dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from tests import poison
from tests.running import until

if TYPE_CHECKING:
    from tests.browser.watched import Watched

STORED_S = 20.0


def choose(page: Page, numbers: list[int]) -> None:
    for number in numbers:
        page.get_by_label(f"Select letter {number}", exact=True).check()


def test_a_letter_is_read_and_replayed(watched: Watched) -> None:
    (event_id,) = poison.kill_events(watched.stack, 1, properties={"colour": "red"})
    numbers = poison.letters_of(watched.stack, [event_id])
    page = watched.open("letters")
    page.get_by_role("button", name=str(numbers[0]), exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("no_poison")
    expect(dialog).to_contain_text('"colour": "red"')
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    choose(page, numbers)
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#told")).to_contain_text("1 event stored")
    expect(page.get_by_label(f"Select letter {numbers[0]}", exact=True)).to_have_count(0)
    assert event_id in watched.stack.stored()


def test_letters_are_dropped_after_a_question(watched: Watched) -> None:
    ids = poison.kill_events(watched.stack, 2)
    page = watched.open("letters")
    drop = page.locator("#letters-drop")
    expect(drop).to_be_disabled()
    choose(page, poison.letters_of(watched.stack, ids))
    drop.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert len(poison.letters_of(watched.stack, ids)) == 2
    drop.click()
    page.get_by_role("dialog").get_by_role("button", name="Drop").click()
    expect(page.locator("#told")).to_contain_text("2 letters dropped")
    until(lambda: not poison.letters_of(watched.stack, ids), STORED_S, "dropped")


def test_letters_are_found_by_their_code(watched: Watched) -> None:
    ids = poison.kill_events(watched.stack, 1)
    (number,) = poison.letters_of(watched.stack, ids)
    page = watched.open("letters")
    one = page.get_by_label(f"Select letter {number}", exact=True)
    expect(one).to_be_visible()
    page.get_by_label("Code").fill("checksum")
    page.get_by_role("button", name="Find").click()
    expect(one).to_have_count(0)
    page.get_by_label("Code").fill("23514")
    page.get_by_label("Code").press("Enter")
    expect(one).to_be_visible()


def test_letters_are_found_by_their_project(watched: Watched) -> None:
    ids = poison.kill_events(watched.stack, 1)
    (number,) = poison.letters_of(watched.stack, ids)
    page = watched.open("letters")
    one = page.get_by_label(f"Select letter {number}", exact=True)
    named = page.locator("tbody tr", has=one).locator("td").last.inner_text()
    page.get_by_label("Project", exact=True).fill("nobody")
    page.get_by_role("button", name="Find").click()
    expect(one).to_have_count(0)
    page.get_by_label("Project", exact=True).fill(named)
    page.get_by_role("button", name="Find").click()
    expect(one).to_be_visible()


def test_a_filter_that_is_none_is_told(watched: Watched) -> None:
    watched.expect_status(400)
    page = watched.open("letters")
    page.get_by_label("Code").fill("a\u200b")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#told")).to_contain_text("That did not work")
