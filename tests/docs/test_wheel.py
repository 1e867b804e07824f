"""The wheel that the image and the release workflow build: whole, working without the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests import databases
from tests.docs import pages

if TYPE_CHECKING:
    from ingest.local.postgres import EmbeddedPostgres

SOURCES = pages.ROOT / "python"
# What the editable installation leaves beside the sources, and what Python does.
NOT_OURS = {".so", ".pyc"}
BUILD = ("build", "--release", "--locked")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it as the Dockerfile does, from what cargo has compiled already."""
    folder = tmp_path_factory.mktemp("wheel")
    scripts = Path(sysconfig.get_path("scripts"))
    command = [str(scripts / "maturin"), *BUILD, "--quiet"]
    subprocess.run(
        [*command, "--interpreter", sys.executable, "--out", folder],
        cwd=pages.ROOT,
        env=os.environ | {"PATH": f"{scripts}:{os.environ['PATH']}"},
        check=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Install it alone into a folder of its own; the environment that finds it there."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", folder, wheel], check=True)
    return os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def run(installed: dict[str, str], *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        env=installed | environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_every_file_of_the_package_is_in_it(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        str(path.relative_to(SOURCES))
        for path in (SOURCES / "ingest").rglob("*")
        if path.is_file() and path.suffix not in NOT_OURS
    }
    assert ours - held == set()
    assert {"ingest/_native.abi3.so", "ingest/store/sql/001_tables.sql"} <= held
    assert {"ingest/local/edge.conf", "ingest/py.typed"} <= held


def test_nothing_else_is_in_it(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in held} == {"ingest"}
    assert {Path(name).name for name in held} >= {"LICENSE-APACHE", "LICENSE-MIT"}


def test_it_is_what_is_imported(installed: dict[str, str]) -> None:
    code = "import ingest; from ingest._native import BUILD_PROFILE as p; print(ingest.__file__, p)"
    path, profile = run(installed, "-c", code).split()
    assert Path(path).is_relative_to(installed["PYTHONPATH"])
    assert profile == "release"


def test_it_is_installed_as_the_page_says(wheel: Path, tmp_path: Path) -> None:
    """All but what the fixture has built and what comes from an index."""
    text = pages.labelled("docs/running.md", "systemd").text
    assert " ".join(("maturin", *BUILD)) in text
    assert (pages.ROOT / "requirements" / "run.txt").is_file()
    left_out = ("make build", ".venv/bin/maturin", "--require-hashes")
    lines = [line for line in text.splitlines() if not any(one in line for one in left_out)]
    assert len(lines) == len(text.splitlines()) - len(left_out)
    (tmp_path / "etc" / "systemd" / "system").mkdir(parents=True)
    shutil.copytree(wheel.parent, tmp_path / "opt" / "ingest" / "wheels")
    script = "\n".join(lines)
    for folder in ("/opt/", "/etc/"):
        script = script.replace(folder, f"{tmp_path}{folder}")
    path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    pip = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    env = os.environ | pip | {"PATH": path}
    subprocess.run(["sh", "-ec", script], cwd=pages.ROOT, env=env, check=True)
    assert (tmp_path / "opt" / "ingest" / "bin" / "ingest").is_file()
    assert list((tmp_path / "etc" / "ingest").glob("*.env"))


def test_it_makes_the_tables(installed: dict[str, str], postgres: EmbeddedPostgres) -> None:
    with databases.empty(postgres) as dsn:
        said = run(installed, "-m", "ingest.cli", "migrate", INGEST_DATABASE_URL=dsn)
        assert "applied 001_tables" in said
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT count(*) FROM event").fetchone() == (0,)


def test_its_schema_is_built_in(installed: dict[str, str]) -> None:
    code = "from ingest import _native; print(len(_native.Schema.builtin().fingerprint))"
    assert int(run(installed, "-c", code)) > 0
