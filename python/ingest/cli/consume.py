"""`ingest consume`: one consumer; several share the shards."""

from __future__ import annotations

import os
import signal
import threading
from typing import Annotated

import typer

from ingest import scheduling
from ingest.cli import options

EXIT_FORCED = 130


def consume(
    config: options.Config = None,
    listen_port: Annotated[
        int | None, typer.Option(help="Port that admin asks; none without it.")
    ] = None,
    listen_host: options.ListenHost = "127.0.0.1",
) -> None:
    """Run one consumer; SIGTERM ends it after its transaction."""
    scheduling.let_others_run()
    settings = options.load(config)
    from ingest.consumer.loop import Consumer
    from ingest.consumer.private_port import Address

    address = None if listen_port is None else Address.of(settings, listen_host, listen_port)

    stop = threading.Event()

    def hear(_number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(EXIT_FORCED)  # what is not committed is read again
        stop.set()

    signal.signal(signal.SIGTERM, hear)
    signal.signal(signal.SIGINT, hear)
    Consumer(settings, address=address).run(stop)
