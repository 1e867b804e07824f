"""What can be chosen is what the plan has for the systems; anything else is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.e2e.plan import FULL, QUICK
from bench.e2e.session import Choice, Session

if TYPE_CHECKING:
    from pathlib import Path

    from bench.e2e.plan import Plan


@pytest.mark.parametrize(
    ("plan", "system", "named", "missing"),
    [
        (QUICK, "ingest", "realistic-200", "realistic-500"),
        (FULL, "ingest", "realistic-500", "soak"),
        (FULL, "baseline", "drain-100000", "drain-1000000"),
        (FULL, "ingest-none", "crash", "singles"),
    ],
)
def test_titles_are_those_of_the_plan(
    plan: Plan, system: str, named: str, missing: str, tmp_path: Path
) -> None:
    session = Session(plan, Choice((system,)), tmp_path, tmp_path / "result.json", print)
    assert named in session.titles()
    assert missing not in session.titles()
