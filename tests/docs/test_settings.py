"""docs/settings.md has every setting, with the default, range and reason of the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest import settings

from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_table_is_that_of_the_code() -> None:
    documented = [
        [pages.plain(cell) for cell in row] for row in pages.table("docs/settings.md", "Setting")
    ]
    assert documented == [list(row) for row in settings.table()]


def test_the_example_file_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ingest.toml"
    file.write_text(pages.labelled("docs/settings.md", "example").text)
    monkeypatch.setenv("INGEST_CONFIG", str(file))
    loaded = settings.Settings.load()
    assert (loaded.port, loaded.workers, loaded.max_event_bytes) == (9000, 4, 131072)


def test_the_example_variable_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "`INGEST_MAX_EVENT_BYTES=131072`" in pages.page("docs/settings.md")
    monkeypatch.setenv("INGEST_MAX_EVENT_BYTES", "131072")
    assert settings.Settings.load().max_event_bytes == 131072
