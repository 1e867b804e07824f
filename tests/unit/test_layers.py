"""Dependencies run one way, and each foreign system is known to one place."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import ingest
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(ingest.__file__).parent
MODULES = {
    ".".join(("ingest", *path.relative_to(ROOT).with_suffix("").parts)): path
    for path in sorted(ROOT.rglob("*.py"))
}
# From the top down: a layer may use those below it, and itself.
LAYERS = ("cli", "local", "api", "consumer", "admin", "stream", "store")
MAY_USE = {
    "cli": {"cli", "api", "consumer", "admin", "local", "stream", "store"},
    "local": {"local", "store", "stream"},
    "api": {"api", "stream", "store"},
    "consumer": {"consumer", "stream", "store"},
    "admin": {"admin", "stream", "store"},
    "stream": {"stream"},
    "store": {"store"},
}
ONLY_IN = {
    "h11": ("ingest.front",),
    "robyn": ("ingest.serving",),
    "redis": ("ingest.stream.",),
    "psycopg": ("ingest.store.", "ingest.consumer.position", "ingest.consumer.lease"),
    "typer": ("ingest.cli.",),
    "pydantic_settings": ("ingest.settings",),
}
# Reading the environment is the settings' business; what systemd hands over is not a setting.
ENVIRONMENT = {"ingest.settings", "ingest.readiness"}


def imports(path: Path) -> Iterator[str]:
    """Name every module that a file imports, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(module: str) -> str | None:
    """Name the layer of a module; None for the ground that all stand on."""
    part = module.split(".")[1] if "." in module else ""
    return part if part in LAYERS else None


@pytest.mark.parametrize("module", MODULES)
def test_dependencies_point_down(module: str) -> None:
    own = layer(module)
    used = {layer(name) for name in imports(MODULES[module]) if name.startswith("ingest.")}
    allowed = MAY_USE[own] if own else set()
    assert used - {None} <= allowed


@pytest.mark.parametrize("foreign", ONLY_IN)
def test_a_foreign_system_is_known_to_one_place(foreign: str) -> None:
    users = {
        module
        for module, path in MODULES.items()
        if any(name.split(".")[0] == foreign for name in imports(path))
    }
    assert users
    assert not {user for user in users if not user.startswith(ONLY_IN[foreign])}


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        module
        for module, path in MODULES.items()
        if {"environ", "getenv"}
        & {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
        }
    }
    assert readers <= ENVIRONMENT


def test_what_is_imported_is_declared_or_ours() -> None:
    """A package that another one happens to bring along may be gone with its next version."""
    declared = {"ingest", "annotated_types", "h11", "hiredis", "orjson", "prometheus_client"}
    declared |= {"psutil", "psycopg", "pydantic", "pydantic_settings", "redis", "rich", "robyn"}
    declared |= {"structlog", "typer"} | sys.stdlib_module_names
    used = {name.split(".")[0] for path in MODULES.values() for name in imports(path)}
    assert used <= declared
