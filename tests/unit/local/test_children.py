"""Notes of children: a recycled process id is never taken for ours."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from ingest.local import children, strays
from ingest.local.children import Child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Sleeper = subprocess.Popen[bytes]


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    ) as process:
        yield process
        process.kill()


def noted(sleeper: Sleeper) -> Child:
    child = Child.of("sleeper", sleeper.pid)
    assert child is not None
    return child


def test_a_noted_child_is_found_and_ended(sleeper: Sleeper) -> None:
    child = noted(sleeper)
    assert strays.end(child.remains()) == [sleeper.pid]
    assert sleeper.wait(5) != 0
    assert list(child.remains()) == []


def test_another_process_with_its_id_is_left_alone(sleeper: Sleeper) -> None:
    earlier = dataclasses.replace(noted(sleeper), started=noted(sleeper).started - 100)
    assert list(earlier.remains()) == []


def test_one_that_ended_is_not_noted() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert Child.of("gone", process.pid) is None


def test_notes_survive_a_file(tmp_path: Path, sleeper: Sleeper) -> None:
    file = tmp_path / "children.json"
    file.write_text(children.encode([noted(sleeper)]))
    assert children.read(file) == [noted(sleeper)]


@pytest.mark.parametrize("text", ["", "[{", '[{"name": "x"}]', "null"])
def test_notes_that_were_cut_off_are_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "children.json"
    file.write_text(text)
    assert children.read(file) == []


def test_what_works_in_a_directory_is_ended(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], cwd=tmp_path
    ) as process:
        strays.end_working_in(tmp_path)
        assert process.wait(5) != 0
