"""The gate notices a kernel that has become slower, or that nothing is known of; and only that."""

from __future__ import annotations

import pytest

from bench import gate
from bench.report.stored import Stored

NAMES = [kind.name for kind in gate.KINDS]


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    ratios = iter((9.0, 10.0, 8.0))
    monkeypatch.setattr(gate, "apart", lambda: dict.fromkeys(NAMES, next(ratios)))


@pytest.mark.parametrize(("before", "is_slower"), [(9.0, False), (12.4, False), (12.6, True)])
def test_a_fall_by_more_than_a_fifth(before: float, is_slower: bool) -> None:
    for ratio in gate.check(dict.fromkeys(NAMES, before)):
        assert bool(ratio.fault) == is_slower
        assert ("fallen" in str(ratio)) == is_slower


def test_without_a_stored_ratio_the_gate_is_shut() -> None:
    assert all("no stored ratio" in ratio.fault for ratio in gate.check({}))


def test_the_stored_result_has_all_that_the_gate_asks() -> None:
    stored = Stored.load()
    assert stored is not None
    assert set(stored.kernel) == set(NAMES)
    assert stored.about["settings"]["plan"]["name"] == "quick"
    assert stored.about["build"] == "release"
    assert not stored.about["source"].endswith("+")
