"""A bar for what takes longer: on stderr, on a terminal only, gone when it is done."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Show(Protocol):
    """Tells a bar how far the work is."""

    def __call__(
        self, done: float | None = None, told: str = "", total: float | None = None
    ) -> None:
        """Set how much is done, what is said beside it, and the total where that is known late."""


@contextmanager
def bar(text: str, total: float | None = None) -> Iterator[Show]:
    """Show a bar meanwhile; without a total it only moves. In a pipe nothing is shown."""
    if not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[told]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=total, told="")

        def show(done: float | None = None, told: str = "", total: float | None = None) -> None:
            progress.update(task, completed=done, told=told, total=total)

        yield show


def quiet(done: float | None = None, told: str = "", total: float | None = None) -> None:
    """Show nothing."""
    del done, told, total
