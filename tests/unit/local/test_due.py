"""What can't be written now is written later, and told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.local.due import Due

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_write_is_done_once(tmp_path: Path) -> None:
    file, due = tmp_path / "run.json", Due()
    due.add("run.json", lambda: file.write_text("old"))
    due.add("run.json", lambda: file.write_text("new"))
    due.settle()
    assert file.read_text() == "new"
    file.unlink()
    due.settle()
    assert not file.exists()


def test_a_failed_write_stays_due_and_holds_nothing_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away, other, due = tmp_path / "folder" / "a", tmp_path / "b", Due()
    due.add("a", lambda: away.write_text("a"))
    due.add("b", lambda: other.write_text("b"))
    due.settle()
    due.settle()
    assert other.read_text() == "b"
    assert caplog.text.count("can't be written") <= 1
    away.parent.mkdir()
    due.settle()
    assert away.read_text() == "a"
