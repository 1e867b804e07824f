"""The gate notices a kernel that has become slower, and only that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import gate


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gate, "ratio", lambda _count: 10.0)
    return tmp_path / "stored.json"


def keep(stored: Path, ratio: float) -> None:
    ratios = {f"{count} events": ratio for count in gate.SIZES}
    gate.kept_file(stored).write_text(json.dumps(ratios))


@pytest.mark.parametrize(("before", "is_slower"), [(9.0, False), (12.4, False), (12.6, True)])
def test_a_fall_by_more_than_a_fifth(stored: Path, before: float, is_slower: bool) -> None:
    keep(stored, before)
    told: list[str] = []
    fallen = gate.check(stored, told.append, store=False)
    assert bool(fallen) == is_slower
    assert any("fallen" in line for line in told) == is_slower


def test_without_a_stored_result_nothing_falls(stored: Path) -> None:
    assert gate.check(stored, lambda _text: None, store=True) == []
    assert json.loads(gate.kept_file(stored).read_text())["200 events"] == 10.0
