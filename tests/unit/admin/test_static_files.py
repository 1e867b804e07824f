"""The dashboard's files: each is served, refers to nothing elsewhere, and is the one of npm."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import ingest
import pytest
from ingest.admin import static_files

ROOT = Path(ingest.__file__).parent / "admin" / "static"
WEB = Path(__file__).parents[3] / "web"
OWN = sorted(path for path in ROOT.iterdir() if path.is_file())
VENDORED = sorted(path for path in (ROOT / "vendor").rglob("*") if path.is_file())
# Where a file loads another from, in HTML, in a module and in a style sheet.
USES = re.compile(
    r"(?:href|src)=\"([^\"#]+)\"|from \"([^\"]+)\"|import\(\"([^\"]+)\"|url\(([^)]+)\)"
)
SET_HTML = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
)
INLINE = re.compile(r"<script>|<style>|\sstyle=|\son\w+=")


def served() -> set[str]:
    return {route.path for route in static_files.routes()}


def test_every_file_is_served() -> None:
    own = {f"/static/{path.name}" for path in OWN if path.suffix != ".html"}
    vendored = {f"/static/{path.relative_to(ROOT)}" for path in VENDORED if path.suffix}
    assert served() == own | vendored | {"/", "/login"}


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_a_file_uses_files_of_ours_alone(path: Path) -> None:
    for groups in USES.findall(path.read_text(encoding="utf-8")):
        name = next(filter(None, groups))
        assert (name if name.startswith("/") else f"/static/{name.removeprefix('./')}") in served()


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_file_makes_markup_of_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not SET_HTML.search(text)
    assert path.suffix != ".html" or not INLINE.search(text)


def test_what_is_vendored_is_the_package(tmp_path: Path) -> None:
    if (npm := shutil.which("npm")) is None:
        pytest.skip("npm is not installed")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(WEB / name, tmp_path)
    fetch = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(fetch, cwd=tmp_path, check=True, timeout=120)
    assert {path.name for path in VENDORED} == {"LICENSE", "uPlot.iife.min.js", "uPlot.min.css"}
    for path in VENDORED:
        (original,) = (tmp_path / "node_modules" / "uplot").rglob(path.name)
        assert path.read_bytes() == original.read_bytes()
