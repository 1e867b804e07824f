"""`ingest stop`: asks the supervisor of a data directory to drain, and waits for it."""

from __future__ import annotations

import os
import signal
import time
from typing import Annotated

import typer

from ingest.cli import options
from ingest.errors import NeedsPerson

POLL_S = 0.05


def stop(
    data: options.Data = None,
    config: options.Config = None,
    timeout: Annotated[float, typer.Option(help="Give up after so many seconds.")] = 60.0,
) -> None:
    """Drain and stop what `ingest up` runs here."""
    settings = options.load(config, data_dir=data)
    from ingest.local import lock

    file = settings.data_dir / "lock"
    holder = lock.holder(file)
    if holder is None:
        typer.echo(f"nothing runs on {settings.data_dir}")
        return
    os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while lock.holder(file) == holder:
        if time.monotonic() > deadline:
            raise NeedsPerson(f"process {holder} did not stop in {timeout:g} s")
        time.sleep(POLL_S)
    typer.echo(f"stopped process {holder}")
