"""`ingest admin`: the process for people and machines that look."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest import scheduling
from ingest.cli import options


def admin(
    config: options.Config = None,
    admin_port: Annotated[int | None, typer.Option(help="Listen here.  [default: 8081]")] = None,
    listen_host: options.ListenHost = "127.0.0.1",
) -> None:
    """Run the admin process; SIGTERM ends it."""
    scheduling.let_others_run()
    settings = options.load(config, admin_port=admin_port)
    from ingest.admin import server

    server.run(settings, listen_host)
