"""The stub says what the extension has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ingest import _native

PACKAGE = Path(_native.__file__).parent


def test_stub_fits() -> None:
    stubtest = Path(sys.executable).with_name("stubtest")
    run = subprocess.run(
        [stubtest, "ingest._native"],
        env={"MYPYPATH": str(PACKAGE.parent), "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_build_is_for_release() -> None:
    assert _native.BUILD_PROFILE == "release"
