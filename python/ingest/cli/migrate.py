"""`ingest migrate`: brings the tables up to this version."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ingest.cli import options, progress
from ingest.errors import SettingsError


def migrate(
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
    worker_role: Annotated[
        str | None, typer.Option(help="Role that may read keys and nothing else.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Make or upgrade the tables; does nothing when they are new."""
    settings = options.load(config, database_url=database_url)
    if settings.database_url is None:
        raise SettingsError("database_url: needed here")
    from ingest.store import migrations

    with progress.bar("migrating"):
        done = migrations.migrate(settings.database_url, worker_role)
    if as_json:
        typer.echo(json.dumps(done))
        return
    typer.echo("\n".join(f"applied {name}" for name in done) or "the tables are up to date")
