"""No file names a machine's own paths, and no lock file an index's address."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

# Written in pieces, so that this file does not hold them.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:wo" r"rk|ro" r"ot|ho" r"me)/\w")
INDEXES = re.compile(r"pypi\.(?:org|io)|files\.pythonhosted|regis" r"try\.npmjs|static\.crates\.io")
LATER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=pages.ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = [pages.ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


def found(pattern: re.Pattern[str]) -> list[str]:
    hits = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        name = path.relative_to(pages.ROOT)
        hits += [f"{name}: {hit[0]}" for hit in pattern.finditer(text)]
    return hits


def test_no_file_names_a_path_of_one_machine() -> None:
    assert not found(MACHINE_PATHS)


def test_no_file_names_the_address_of_a_package_index() -> None:
    assert not found(INDEXES)


def test_no_file_puts_work_off() -> None:
    assert not found(LATER)
