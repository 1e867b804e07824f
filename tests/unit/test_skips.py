"""A skip that nobody expects fails the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import unexpected

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ("def test_one():\n    pytest.skip('tired')", 1),
        ("def test_one():\n    pytest.skip('npm is not installed')", 0),
        ("pytest.skip('tired', allow_module_level=True)", 1),
        ("def test_one():\n    pass", 0),
    ],
)
def test_a_run(tmp_path: Path, test: str, code: int) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.skips import StrictSkips\n"
        "def pytest_configure(config):\n    config.pluginmanager.register(StrictSkips())\n"
    )
    (tmp_path / "test_it.py").write_text(f"import pytest\n{test}\ndef test_two():\n    pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("unexpected skip" in done.stdout) == bool(code), done.stdout
    if "allow_module_level" not in test:
        assert done.returncode == code


def test_reasons() -> None:
    assert unexpected(["npm is not installed", "tired"]) == ["tired"]
