"""The commands in the order of --help, and what a failure looks like: a line, no traceback."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli import (
    admin,
    audit,
    check,
    consume,
    dashboard,
    deadletter,
    edge,
    export,
    migrate,
    partitions,
    project,
    serve,
    status,
    stop,
    tail,
    up,
)
from ingest.errors import IngestError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

APP = typer.Typer(
    name="ingest",
    help="Takes events over HTTP and stores them in PostgreSQL, once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing boxes doubles the time that --help takes
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: tuple[Callable[..., None], ...] = (
    *(up.up, stop.stop, status.status, dashboard.dashboard),
    *(check.check, audit.audit, tail.tail, export.export),
    *(serve.serve, consume.consume, admin.admin, edge.edge, migrate.migrate),
)
for command in COMMANDS:
    APP.command()(command)
APP.add_typer(project.APP, name="project")
APP.add_typer(deadletter.APP, name="deadletter")
APP.add_typer(partitions.APP, name="partitions")


def _version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version

        typer.echo(version("ingest"))
        raise typer.Exit


@APP.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""
    del version


def run() -> None:
    """Run and exit: 0 done, 1 failed, 2 wrong settings or usage, 130 interrupted."""
    _open_streams()
    try:
        APP()
    except SettingsError as error:
        _fail(str(error), EXIT_USAGE)
    except IngestError as error:
        _fail(str(error), EXIT_FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except OSError as error:
        at = f"{error.filename}: " if error.filename else ""
        _fail(f"{at}{error.strerror or error}", EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _open_streams() -> None:
    """Open closed standard streams: a file or socket would get their numbers, and a line no end."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def _fail(text: str, code: int) -> None:
    from ingest.log import redact
    from ingest.visible import visible_lines

    typer.echo(visible_lines(f"ingest: {redact(text)}"), err=True)
    sys.exit(code)
