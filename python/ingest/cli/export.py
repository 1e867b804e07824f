"""`ingest export`: events as lines of JSON, to a file that is there whole or not at all."""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ingest.cli import options, progress, servers
from ingest.errors import NeedsPerson, SettingsError
from ingest.plural import counted
from ingest.visible import visible_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.cli.progress import Show
    from ingest.settings import Settings
    from ingest.store.export import Exported, Place, Range

BUFFER_BYTES = 1 << 20
SHOWN_LINES = 5000  # a bar that is told of each line costs more than the line
GZIP_LEVEL = 6
DAY_MINUTES = 1440

From = Annotated[
    datetime | None,
    typer.Option(
        "--from", parser=options.time, metavar="TIME", help=f"Not before, {options.TIME}."
    ),
]
To = Annotated[
    datetime | None,
    typer.Option("--to", parser=options.time, metavar="TIME", help=f"Before, {options.TIME}."),
]
After = Annotated[
    str | None, typer.Option(metavar="TIME,ID", help="Go on behind this event of a line.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File; .gz packs it.  [default: stdout]")
]


def export(
    project: options.Project = None,
    since: From = None,
    until: To = None,
    after: After = None,
    output: Output = None,
    data: options.Data = None,
    config: options.Config = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Write events as lines of JSON, the oldest first."""
    settings = options.load(config, data_dir=data, database_url=database_url)
    wanted = _range(settings, project, since, until, after)
    from ingest.store.export import lines

    count = 0
    with _opened(output) as file, _bar(output) as bar:
        is_shown = file.isatty()
        for count, exported in enumerate(lines(servers.database_url(settings), wanted), 1):
            file.write(_visible(exported.line) if is_shown else exported.line)
            bar.tell(count, exported)
    if output is not None:
        typer.echo(f"{counted(count, 'event')} in {output}", err=True)


def _range(
    settings: Settings,
    project: str | None,
    since: datetime | None,
    until: datetime | None,
    after: str | None,
) -> Range:
    from ingest.store.export import Range

    place = _place(after)
    if since is not None and until is not None and since >= until:
        raise SettingsError("--from must be before --to")
    with servers.connected(settings, "export") as connection:
        project_id = servers.project_id(connection, project)
    return Range(project_id, since, until, place)


def _place(after: str | None) -> Place | None:
    from ingest.store.export import Place

    if after is None:
        return None
    at, _, event_id = after.partition(",")
    try:
        time = datetime.fromisoformat(at)
        return Place(time if time.tzinfo else time.replace(tzinfo=UTC), UUID(event_id))
    except ValueError:
        text = "--after: timestamp and event_id of a line, with a comma between"
        raise SettingsError(text) from None


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[bytes]]:
    """Give a file to write to; it takes its name when all is written and on disk."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif output.exists() and not output.is_file():  # a device or a pipe is not to be replaced
        with output.open("wb", BUFFER_BYTES) as file:
            yield file
    else:
        with _naming(output), _part(output.resolve()) as file:
            yield file


@contextmanager
def _part(output: Path) -> Iterator[IO[bytes]]:
    handle, name = tempfile.mkstemp(".part", f"{output.name}.", output.parent)
    part = Path(name)
    try:
        with open(handle, "wb", BUFFER_BYTES) as file:  # noqa: PTH123 - it is open already
            if output.suffix == ".gz":
                with gzip.GzipFile("", "wb", GZIP_LEVEL, file) as packed:
                    yield packed  # type: ignore[misc]  # it writes bytes
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


@contextmanager
def _naming(output: Path) -> Iterator[None]:
    """Name the file in the error of a full disk, which knows only a number."""
    try:
        yield
    except OSError as error:
        raise NeedsPerson(f"{output} is not written: {error.strerror}") from error


def _visible(line: bytes) -> bytes:
    return visible_json(line.decode()).encode()


class _Bar:
    """Tells how far the days are, and how far the last line is into its own."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._days = 0

    def tell(self, count: int, exported: Exported) -> None:
        from ingest.store.export import Place

        if count % SHOWN_LINES:
            return
        at = Place.of(exported.line).timestamp
        self._days = max(self._days, exported.days_left)
        done = self._days - exported.days_left + (at.hour * 60 + at.minute) / DAY_MINUTES
        self._show(done, f"{counted(count, 'event')}, at {at:%Y-%m-%d %H:%M}", self._days)


@contextmanager
def _bar(output: Path | None) -> Iterator[_Bar]:
    """Show a bar, but not between lines that go to the same terminal."""
    if output is None and sys.stdout.isatty():
        yield _Bar(progress.quiet)
        return
    with progress.bar("exporting") as show:
        yield _Bar(show)
