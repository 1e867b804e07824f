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
TIMES = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d"]


def load(config: Path | None, **given: Any) -> Settings:
    """Make the settings of a command and set logging up; SettingsError if they are wrong."""
    from ingest import log
    from ingest.settings import Settings

    settings = Settings.load(config, **given)
    log.configure(settings.log_level, settings.log_format)
    return settings


def utc(time: datetime | None) -> datetime | None:
    """Take a time without an offset for UTC."""
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
