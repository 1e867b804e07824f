"""Tells when all is well again: everything runs, events are accepted, all before them is stored."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from ingest.errors import IngestError

from bench.crash import progress
from bench.crash.composer import Composer, Identity
from bench.crash.journal import Journal, Outcome, Sent
from bench.crash.sender import Sender
from bench.crash.stack import POLL_S, Late

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from bench.crash.composer import Request
    from bench.crash.stack import Stack

#: The probe is a client like the others, with a number of its own.
CLIENT = 0
#: A stack that is not well after this stays ill.
PATIENCE_S = 90.0


class Probe:
    """A client that sends a request after each fault; its journal is checked like the others'."""

    def __init__(self, stack: Stack, directory: Path, seed: int, now: datetime) -> None:
        self._stack = stack
        self._composer = Composer(CLIENT, Identity.IDS, seed, now)
        self._sender = Sender(stack.url, stack.run.api_key)
        self._journal = Journal(directory, CLIENT)
        self._shards = progress.shards(stack)
        self._upto: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        """Use it as a context that closes what it holds."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close journal and connection."""
        self._journal.__exit__()
        self._sender.close()

    def wait_well(self) -> None:
        """Return when all is well; Late, with what is missing, when it does not become so."""
        deadline = time.monotonic() + PATIENCE_S
        request = self._composer.next()
        _until(deadline, self._stack.is_whole, "every process runs")
        _until(deadline, lambda: self._is_accepted(request), "a request is accepted")
        self._upto = []
        _until(deadline, self._reads_upto, "Valkey answers")
        _until(deadline, self._is_stored, "all that was accepted is stored")

    def _is_accepted(self, request: Request) -> bool:
        self._journal.write(Sent(request.number, time.monotonic(), request.events))
        answer = self._sender.attempt(request).answer
        self._journal.write(answer)
        return answer.outcome is Outcome.ACCEPTED

    def _reads_upto(self) -> bool:
        self._upto = progress.last_ids(self._stack, self._shards)
        return True

    def _is_stored(self) -> bool:
        return progress.are_stored(self._stack, self._upto)


def _until(deadline: float, is_done: Callable[[], bool], what: str) -> None:
    while not _holds(is_done):
        if time.monotonic() > deadline:
            raise Late(f"not within {PATIENCE_S:g} s: {what}")
        time.sleep(POLL_S)


def _holds(is_done: Callable[[], bool]) -> bool:
    try:
        return is_done()
    except (*progress.AWAY, IngestError):
        return False
