"""The gate notices a kernel that has become slower, or that nothing is known of; and only that."""

from __future__ import annotations

import pytest

from bench import gate
from bench.report.stored import Stored


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "ratio", lambda _kind: 10.0)


@pytest.mark.parametrize(("before", "is_slower"), [(9.0, False), (12.4, False), (12.6, True)])
def test_a_fall_by_more_than_a_fifth(before: float, is_slower: bool) -> None:
    stored = {kind.name: before for kind in gate.KINDS}
    for ratio in gate.check(stored):
        assert bool(ratio.fault) == is_slower
        assert ("fallen" in str(ratio)) == is_slower


def test_without_a_stored_ratio_the_gate_is_shut() -> None:
    assert all("no stored ratio" in ratio.fault for ratio in gate.check({}))


def test_the_stored_result_has_all_that_the_gate_asks() -> None:
    stored = Stored.load()
    assert stored is not None
    assert set(stored.kernel) == {kind.name for kind in gate.KINDS}
    assert stored.about["settings"]["plan"]["name"] == "quick"
    assert stored.about["build"] == "release"
    assert not stored.about["source"].endswith("+")
