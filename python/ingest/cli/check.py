"""`ingest check`: says what is wrong with settings, servers and schema, and exits non-zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ingest.cli import options, servers
from ingest.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.settings import Settings


def check(
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
    valkey_url: options.ValkeyUrl = None,
) -> None:
    """Say what is wrong; exits 1 if anything is."""
    settings = options.load(config, data_dir=data, database_url=database_url, valkey_url=valkey_url)
    checks = {
        "extension": _extension,
        "schema": lambda: _schema(settings),
        "PostgreSQL": lambda: _postgres(settings),
        "Valkey": lambda: _valkey(settings),
    }
    results = {name: _faults(ask) for name, ask in checks.items()}
    for name, faults in results.items():
        typer.echo("\n".join(f"wrong  {fault}" for fault in faults) or f"ok     {name}")
    if any(results.values()):
        raise typer.Exit(1)


def _faults(ask: Callable[[], list[str]]) -> list[str]:
    try:
        return ask()
    except IngestError as error:
        return [str(error)]


def _extension() -> list[str]:
    from ingest import _native

    if _native.BUILD_PROFILE != "release":
        return [f"the extension is a {_native.BUILD_PROFILE} build: `make build` makes a fast one"]
    return []


def _schema(settings: Settings) -> list[str]:
    from ingest import _native

    if settings.schema_file is None:
        return []
    try:
        _native.Schema(settings.schema_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"schema_file: {settings.schema_file}: {error}"]
    return []


def _postgres(settings: Settings) -> list[str]:
    from ingest.store import survey

    return survey.faults(servers.database_url(settings))


def _valkey(settings: Settings) -> list[str]:
    from ingest.stream.survey import survey

    url = servers.valkey_url(settings)
    return survey(url, settings.shards).faults(settings.shards)
