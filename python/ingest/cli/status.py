"""`ingest status`: the figures of the dashboard, once or again and again."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ingest.cli import direct_status, options, servers, status_page
from ingest.errors import IngestError
from ingest.visible import visible_lines

if TYPE_CHECKING:
    from ingest.cli.admin_client import AdminClient
    from ingest.cli.direct_status import Status
    from ingest.settings import Settings

FIGURES = "/api/v1/figures"
EVERY_S = 1.0

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Again every second, until Ctrl-C.")]


class View(NamedTuple):
    """What is shown at one moment: by the admin process, and without it (None: not asked)."""

    title: str
    figures: dict[str, Any] | None
    direct: Status | None
    away: str = ""

    @property
    def is_well(self) -> bool:
        """Whether everything that could be asked is there and ready."""
        is_ready = self.figures is not None and status_page.is_well(self.figures)
        return is_ready and (self.direct is None or self.direct.is_well)

    def text(self) -> str:
        """Give it for people."""
        pages = [f"{self.title}\n{status_page.text(self.figures)}"] if self.figures else []
        if self.figures is None and self.direct is not None:
            pages = [self.title, direct_status.text(self.direct)]
        told = [*pages, *([f"wrong  {self.away}"] if self.away else [])]
        return visible_lines("\n\n".join(told))

    def json(self) -> str:
        """Give it for scripts, on one line."""
        direct = asdict(self.direct) if self.direct is not None else {}
        return json.dumps(direct | {"figures": self.figures, "away": self.away or None})


def status(
    watch: Watch = False,
    as_json: options.Json = False,
    admin_url: options.AdminUrl = None,
    data: options.Data = None,
    config: options.Config = None,
) -> None:
    """Show what runs and how it does; exits 1 unless all is well."""
    settings = options.load(config, data_dir=data)
    if watch:
        _watch(settings, admin_url, as_json)
    view = _look(settings, admin_url, as_json)
    typer.echo(view.json() if as_json else view.text())
    if not view.is_well:
        raise typer.Exit(1)


def _look(settings: Settings, admin_url: str | None, as_json: bool) -> View:
    """Ask the admin process; when it is away, or for scripts, the servers themselves."""
    from ingest.cli.admin_client import AdminClient

    client = AdminClient.of(settings, admin_url)
    figures, away = _figures(client)
    if admin_url is not None:
        return View(f"admin at {admin_url}", figures, None, away)
    run_file = servers.running(settings)
    title = f"ingest {run_file.version} at {run_file.url}, admin at {run_file.admin_url}"
    is_asked = as_json or figures is None
    return View(title, figures, direct_status.ask(settings, run_file) if is_asked else None, away)


def _figures(client: AdminClient) -> tuple[dict[str, Any] | None, str]:
    try:
        return client.json(FIGURES), ""
    except IngestError as error:
        return None, str(error)


def _watch(settings: Settings, admin_url: str | None, as_json: bool) -> None:
    """Go on until Ctrl-C; on a terminal the page is drawn over itself."""
    if as_json or not sys.stdout.isatty():
        while True:
            view = _look_again(settings, admin_url, as_json)
            typer.echo(view.json() if as_json else f"{view.text()}\n")
            time.sleep(EVERY_S)
    from rich.live import Live
    from rich.text import Text

    with Live(screen=True, auto_refresh=False) as live:
        while True:
            live.update(Text(_look_again(settings, admin_url, as_json).text()), refresh=True)
            time.sleep(EVERY_S)


def _look_again(settings: Settings, admin_url: str | None, as_json: bool) -> View:
    """Look, and take a stop of everything for something to show: it may come back."""
    try:
        return _look(settings, admin_url, as_json)
    except IngestError as error:
        return View("", None, None, str(error))
