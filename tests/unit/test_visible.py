"""Text of clients before a terminal: nothing unseen is left, and JSON stays the same JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest.visible import visible, visible_json, visible_lines

HOSTILE = [
    "\x1b]0;owned\x07",
    "\x9b2J",
    "\u202eevil",
    "\u2066x",
    "\u200b",
    "a\r\nb",
    "\x7f",
    "\x00",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_unseen_is_left(text: str) -> None:
    assert visible(text).isprintable()
    assert visible(text) != text


def test_what_is_seen_stays() -> None:
    assert visible("grüße 😀 \\x1b") == "grüße 😀 \\x1b"


def test_lines_stay_lines() -> None:
    assert visible_lines("a\x1b\nb\r\n") == "a\\x1b\nb\\r\n"


@given(st.text(st.characters(codec="utf-8")) | st.sampled_from([*HOSTILE, "\U000e0001"]))
def test_json_stays_the_same_json(text: str) -> None:
    shown = visible_json(json.dumps([text], ensure_ascii=False, indent=1))
    assert all(line.isprintable() for line in shown.split("\n"))
    assert json.loads(shown) == [text]
