"""The short crash experiment: 20 faults under load, and nothing lost or doubled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.crash.__main__ import main

pytestmark = [pytest.mark.slow, pytest.mark.stack, pytest.mark.timeout(400)]
#: Any would do; the same one makes a failure come again.
SEED = 3


def test_nothing_is_lost_or_doubled(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "crash.html"
    code = main(["--short", "--seed", str(SEED), "--report", str(report)])
    output = capfd.readouterr().out
    assert code == 0, output
    page = report.read_text(encoding="utf-8")
    assert "Every promise was kept." in page
    assert "<svg" in page
    assert not re.search(r"(src|href)=", page)
