"""`ingest consume`: one consumer; several share the shards."""

from __future__ import annotations

import os
import signal
import threading

from ingest.cli import options

EXIT_FORCED = 130


def consume(config: options.Config = None) -> None:
    """Run one consumer; SIGTERM ends it after its transaction."""
    settings = options.load(config)
    from ingest.consumer.loop import Consumer

    stop = threading.Event()

    def hear(_number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(EXIT_FORCED)  # what is not committed is read again
        stop.set()

    signal.signal(signal.SIGTERM, hear)
    signal.signal(signal.SIGINT, hear)
    Consumer(settings).run(stop)
