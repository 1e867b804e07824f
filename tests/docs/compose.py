"""docker-compose.yml as data, and its services as they run without an engine."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from tests.docs import pages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = pages.ROOT / "deploy" / "compose"
FILE: dict[str, Any] = yaml.safe_load(pages.page("docker-compose.yml"))
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "ingest:local"}
VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}")


def secrets(folder: Path) -> dict[str, str]:
    """Let make-env write its file into a folder and read it."""
    subprocess.run([FOLDER / "make-env"], cwd=folder, check=True)
    written = folder / ".env"
    assert written.stat().st_mode & 0o777 == 0o600
    lines = [line for line in written.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of variables, as Compose does."""
    return VARIABLE.sub(lambda name: values[name[1]], text).replace("$$", "$")
