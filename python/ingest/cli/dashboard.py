"""`ingest dashboard`: a link that opens the dashboard of what runs here, once."""

from __future__ import annotations

import typer

from ingest.cli import options


def dashboard(
    admin_url: options.AdminUrl = None,
    data: options.Data = None,
    config: options.Config = None,
) -> None:
    """Print a link to the dashboard that works once."""
    settings = options.load(config, data_dir=data)
    from ingest.cli import login_link
    from ingest.cli.admin_client import AdminClient

    typer.echo(login_link.fresh(AdminClient.of(settings, admin_url)))
