"""The options that several commands share, and the settings that they make."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.cli import completion

if TYPE_CHECKING:
    from ingest.settings import Settings

Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file (TOML); also INGEST_CONFIG.")
]
Data = Annotated[Path | None, typer.Option("--data", help="Data directory.  [default: ./data]")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="PostgreSQL already running; INGEST_DATABASE_URL hides it from `ps`."),
]
ValkeyUrl = Annotated[
    str | None,
    typer.Option(help="Valkey already running; INGEST_VALKEY_URL hides it from `ps`."),
]
ListenHost = Annotated[str, typer.Option(help="Address to listen on; in a container 0.0.0.0.")]
AdminUrl = Annotated[
    str | None, typer.Option(help="Admin elsewhere; its token in INGEST_ADMIN_TOKEN.")
]
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Project = Annotated[
    str | None,
    typer.Option(help="Of this project: its name or id.", autocompletion=completion.project_names),
]
# What the help of a time goes on with.
TIME = "as 2026-11-26T10:00 (UTC)"
TIME_EXAMPLES = "write a day or a time such as 2026-11-26 or 2026-11-26T10:00:00Z"


def load(config: Path | None, **given: Any) -> Settings:
    """Make the settings of a command and set logging up; SettingsError if they are wrong."""
    from ingest import log
    from ingest.settings import Settings

    settings = Settings.load(config, **given)
    log.configure(settings.log_level, settings.log_format)
    return settings


def time(given: str) -> datetime:
    """Read a day or time as an option's parser; without an offset it is UTC."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter(f"{given!r} is no time: {TIME_EXAMPLES}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
