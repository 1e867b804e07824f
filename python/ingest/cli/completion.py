"""What a shell completes beyond commands and flags: names that the running system knows.

The shell waits for it and shows what it prints, so whatever fails gives nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer  # noqa: TC002 - typer reads the annotations

if TYPE_CHECKING:
    from ingest.settings import Settings

MAX_NAMES = 200


def project_names(context: typer.Context, incomplete: str) -> list[str]:
    """Give the names of projects that begin as what was typed."""
    from ingest.errors import IngestError
    from ingest.settings import Settings

    given = context.params.get
    try:
        settings = Settings.load(
            given("config"), data_dir=given("data"), database_url=given("database_url")
        )
        return _names(settings, incomplete)
    except (IngestError, OSError):
        return []


def plan_names(context: typer.Context, incomplete: str) -> list[str]:
    """Give the names of plans that begin as what was typed."""
    from ingest.errors import IngestError
    from ingest.settings import Settings

    try:
        known = Settings.load(context.params.get("config")).known_plans
    except (IngestError, OSError):
        return []
    return sorted(name for name in known if name.startswith(incomplete))


def _names(settings: Settings, incomplete: str) -> list[str]:
    from ingest.cli import servers
    from ingest.store import projects, session

    with session.connect(servers.database_url(settings), "ingest completion") as connection:
        names = sorted(projects.names(connection).values())
    return [name for name in names if name.startswith(incomplete)][:MAX_NAMES]
