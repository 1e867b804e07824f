"""`ingest serve`: one API worker, for a supervisor, systemd or a container."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest import scheduling
from ingest.cli import options


def serve(
    listen_port: Annotated[int, typer.Option(help="Port that the edge sends to.")],
    listen_host: options.ListenHost = "127.0.0.1",
    index: Annotated[int, typer.Option(help="Which of the workers; chooses its shard.")] = 0,
    config: options.Config = None,
) -> None:
    """Run one API worker; SIGTERM drains it."""
    scheduling.let_others_run()
    settings = options.load(config)
    from ingest.api import server

    server.run(settings, index, listen_port, listen_host)
