"""`ingest dashboard`: a link that opens the dashboard of what runs here, once."""

from __future__ import annotations

import typer

from ingest.cli import options


def dashboard(data: options.Data = None, config: options.Config = None) -> None:
    """Print a link to the dashboard that works once."""
    settings = options.load(config, data_dir=data)
    from ingest.cli import login_link
    from ingest.local.run_file import RunFile

    run_file = RunFile.read(settings.data_dir / "run.json")
    typer.echo(login_link.fresh(run_file.admin_url, run_file.admin_token))
