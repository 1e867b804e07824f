"""`ingest up`: the whole system on this machine, in the foreground, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ingest.cli import options


def up(
    config: options.Config = None,
    data: options.Data = None,
    host: Annotated[str | None, typer.Option(help="Listen here.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="For events.  [default: 8080]")] = None,
    admin_port: Annotated[int | None, typer.Option(help="For people.  [default: 8081]")] = None,
    workers: Annotated[int | None, typer.Option(help="API workers.  [default: 2]")] = None,
    consumers: Annotated[int | None, typer.Option(help="Consumers.  [default: 2]")] = None,
    schema: Annotated[Path | None, typer.Option(help="Declared events (TOML).")] = None,
    database_url: options.DatabaseUrl = None,
    valkey_url: options.ValkeyUrl = None,
) -> None:
    """Run everything here, until Ctrl-C; a second Ctrl-C forces."""
    settings = options.load(
        config,
        data_dir=data,
        host=host,
        port=port,
        admin_port=admin_port,
        workers=workers,
        consumers=consumers,
        schema_file=schema,
        database_url=database_url,
        valkey_url=valkey_url,
    )
    from ingest.cli.foreground import run

    raise typer.Exit(run(settings))
