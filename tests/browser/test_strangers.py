"""What strangers send stays text: in events' properties, in names, in codes of dead letters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
from playwright.sync_api import expect

from tests import poison
from tests.browser.watched import is_unhurt

if TYPE_CHECKING:
    from tests.browser.watched import Watched

ATTACKS = (
    "<script>window.hurt = 1</script>",
    "<img src=x onerror='window.hurt = 1'>",
    "\"><svg onload='window.hurt = 1'>",
    "javascript:window.hurt = 1",
    "{{constructor.constructor('window.hurt = 1')()}}",
)


def test_a_dead_letter_of_a_stranger(watched: Watched) -> None:
    attack = "".join(ATTACKS)
    properties = {"title": attack, attack: attack}
    ids = poison.kill_events(watched.stack, 1, session_id=attack, properties=properties)
    (number,) = poison.letters_of(watched.stack, ids)
    page = watched.open("letters")
    page.get_by_role("button", name=str(number), exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text(json.dumps(attack, ensure_ascii=False)[1:-1])
    assert is_unhurt(page)


def test_a_project_of_a_stranger(watched: Watched) -> None:
    name = f"{uuid4().hex[:6]} {ATTACKS[1]}"
    bearer = {"Authorization": f"Bearer {watched.stack.run.admin_token}"}
    url = f"{watched.origin}/api/v1/project"
    assert httpx.post(url, json={"name": name}, headers=bearer).status_code == 200
    page = watched.open("projects")
    expect(page.get_by_role("row", name=name)).to_be_visible()
    page.get_by_role("button", name=f"Keys of {name}").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"Keys of {name}")
    assert is_unhurt(page)
