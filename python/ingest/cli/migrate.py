"""`ingest migrate`: brings the tables up to this version."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.cli import options
from ingest.errors import SettingsError


def migrate(
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
    worker_role: Annotated[
        str | None, typer.Option(help="Role that may read keys and nothing else.")
    ] = None,
) -> None:
    """Make or upgrade the tables; does nothing when they are new."""
    settings = options.load(config, database_url=database_url)
    if settings.database_url is None:
        raise SettingsError("database_url: needed here")
    from ingest.store import migrations

    done = migrations.migrate(settings.database_url, worker_role)
    typer.echo("\n".join(f"applied {name}" for name in done) or "the tables are up to date")
