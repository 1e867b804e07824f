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
VARIABLE = re.compile(r"\$\{(\w+)(:[-+?])?([^}]*)\}")


def secrets(folder: Path) -> dict[str, str]:
    """Let make-env write its file into a folder and read it."""
    subprocess.run([FOLDER / "make-env"], cwd=folder, check=True)
    written = folder / ".env"
    assert written.stat().st_mode & 0o777 == 0o600
    lines = [line for line in written.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of variables, as Compose does."""

    def value(variable: re.Match[str]) -> str:
        name, how, other = variable.groups()
        given = values[name]
        if how == ":+":
            return other if given else ""
        return given or (other if how == ":-" else "")

    return VARIABLE.sub(value, text).replace("$$", "$")


def environment(name: str, values: Mapping[str, str]) -> dict[str, str]:
    """Give a service's environment as its container gets it."""
    pairs = SERVICES[name].get("environment", {})
    return {key: filled(str(value), values) for key, value in pairs.items()}


def templated(name: str, environment: Mapping[str, str]) -> str:
    """Fill in a template of the edge, as the nginx image does."""
    allowed = re.compile(environment["NGINX_ENVSUBST_FILTER"])
    known = {name: value for name, value in environment.items() if allowed.search(name)}
    text = (FOLDER / f"{name}.template").read_text(encoding="utf-8")
    return re.sub(r"\$\{(\w+)\}", lambda variable: known[variable[1]], text)
