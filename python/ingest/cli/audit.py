"""`ingest audit`: shows that every accepted event is somewhere, and exits non-zero if not so."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.balance import Verdict
from ingest.cli import audit_report, options, progress, servers
from ingest.cli.audit_report import HOUR_S, Report

if TYPE_CHECKING:
    from uuid import UUID

    from ingest.admin.audit import Window
    from ingest.settings import Settings

EXITS = {Verdict.EXACT: 0, Verdict.WRONG: 1, Verdict.UNWITNESSED: 3}

From = Annotated[
    datetime | None,
    typer.Option(
        "--from", parser=options.time, metavar="TIME", help=f"Received since, {options.TIME}."
    ),
]
To = Annotated[
    datetime | None,
    typer.Option(
        "--to", parser=options.time, metavar="TIME", help=f"Received before, {options.TIME}."
    ),
]


def audit(  # 0 exact, 1 not exact, 3 exact but for counters that were lost
    project: options.Project = None,
    since: From = None,
    until: To = None,
    as_json: options.Json = False,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
    valkey_url: options.ValkeyUrl = None,
) -> None:
    """Account for every accepted event; exits 1 unless it can."""
    settings = options.load(config, data_dir=data, database_url=database_url, valkey_url=valkey_url)
    report = _report(settings, project, since, until)
    typer.echo(json.dumps(audit_report.as_json(report)) if as_json else audit_report.text(report))
    if report.verdict is not Verdict.EXACT:
        raise typer.Exit(EXITS[report.verdict])


def _report(
    settings: Settings, project: str | None, since: datetime | None, until: datetime | None
) -> Report:
    from ingest.admin.audit import balances
    from ingest.cli import refusals
    from ingest.store import projects

    dsn, url = servers.database_url(settings), servers.valkey_url(settings)
    with servers.connected(settings, "audit") as connection:
        project_id = servers.project_id(connection, project)
        names = projects.names(connection)
    window = _window(project_id, since, until)
    with progress.bar("auditing") as show:
        found = list(balances(dsn, url, window, show))
    return Report(found, names, refusals.ask(settings))


def _window(project_id: UUID | None, since: datetime | None, until: datetime | None) -> Window:
    """Whole hours: the one in which `since` lies and the one in which `until` lies are in."""
    from ingest.admin.audit import ALL_HOURS, Window

    first = ALL_HOURS.start if since is None else int(since.timestamp() // HOUR_S)
    behind = ALL_HOURS.stop if until is None else int(-(-until.timestamp() // HOUR_S))
    return Window(range(first, behind), None if project_id is None else project_id.bytes)
