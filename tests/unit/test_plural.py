"""One thing is told as one thing, in the package and on the dashboard."""

from __future__ import annotations

import re
from pathlib import Path

import ingest
import pytest
from ingest.plural import counted

ROOT = Path(ingest.__file__).parent
SOURCES = sorted([*ROOT.rglob("*.py"), *(ROOT / "admin" / "static").glob("*.js")])
# A number is filled in before a noun that always has its s.
FIXED = re.compile(
    r"\} (accepted |dead |other )?"
    r"(days|entries|events|keys|letters|lines|projects|requests|rows|shards|times)\b"
)


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 keys"), (1, "1 key"), (2, "2 keys"), (1000, "1,000 keys")]
)
def test_a_count_has_its_noun(count: int, told: str) -> None:
    assert counted(count, "key") == told


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert [counted(count, "entry", "entries") for count in (1, 2)] == ["1 entry", "2 entries"]


def test_the_pattern_finds_what_it_is_for() -> None:
    assert FIXED.search('f"{len(keys)} keys revoked"')
    assert FIXED.search("`Drop ${count(chosen.size)} dead letters?`")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_number_stands_before_a_fixed_plural(path: Path) -> None:
    assert not FIXED.search(path.read_text(encoding="utf-8"))
