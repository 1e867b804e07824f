"""How a client's wishes in the head are read."""

from __future__ import annotations

import pytest
from ingest.api import asked
from ingest.api.asked import Asked
from ingest.media import Refusal


def test_nothing_asked_is_the_default() -> None:
    assert asked.read({}, []) == Asked(None, is_strict=False, is_minimal=False)


@pytest.mark.parametrize("key", ["a", "!~", "x" * 255, "8e03978e-40d5-43dd-bc93-6894a57f9324"])
def test_keys_of_visible_ascii_are_taken(key: str) -> None:
    assert asked.read({"idempotency-key": key}, []).idempotency_key == key


@pytest.mark.parametrize("key", ["", " ", "a b", "a, a", "a\t", "\x7f", "ä", "x" * 256])
def test_other_keys_are_refused_not_ignored(key: str) -> None:
    with pytest.raises(Refusal) as refusal:
        asked.read({"idempotency-key": key}, [])
    assert refusal.value.code == "invalid_idempotency_key"


@pytest.mark.parametrize(
    "prefer",
    [
        "return=minimal",
        "Return=Minimal",
        'return="minimal"',
        "respond-async, return=minimal; wait=5",
        "return = minimal",
    ],
)
def test_minimal_is_preferred(prefer: str) -> None:
    assert asked.read({"prefer": prefer}, []).is_minimal


@pytest.mark.parametrize("prefer", ["", "return=representation", "minimal", "xreturn=minimal"])
def test_other_preferences_are_ignored(prefer: str) -> None:
    assert not asked.read({"prefer": prefer}, []).is_minimal


def test_strict_is_true_or_false() -> None:
    assert asked.read({}, [("strict", "true")]).is_strict
    assert not asked.read({}, [("strict", "false")]).is_strict
    assert not asked.read({}, [("utm", "true")]).is_strict


@pytest.mark.parametrize("value", ["", "1", "True", "yes", "tru%65"])
def test_another_value_of_strict_is_refused_not_guessed(value: str) -> None:
    with pytest.raises(Refusal):
        asked.read({}, [("strict", value)])


def test_strict_can_not_be_both() -> None:
    with pytest.raises(Refusal):
        asked.read({}, [("strict", "true"), ("strict", "false")])
