"""What one client remembers on disk: a line before each request and a line after its answer.

A client is never killed, so a line that reached the system is safe. Requests are numbered by the
client; a retry is another attempt of the same number. Times are the machine's monotonic clock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIX = ".journal"
ID_BYTES = 16


class Outcome(StrEnum):
    """What a client knows after an attempt."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # answered, and surely not stored
    UNKNOWN = "unknown"  # cut off, or answered that nobody knows
    UNSENT = "unsent"  # no connection


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt, about to be made."""

    request: int
    at: float
    events: int


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended. `ids`: 16 bytes for each accepted event, in order; `rejected` by index.

    `code` is the reason that the answer gives; empty when it gives none, which is a fault.
    """

    request: int
    at: float
    outcome: Outcome
    status: int = 0
    code: str = ""
    ack: str = ""
    ids: bytes = b""
    rejected: dict[int, str] = field(default_factory=dict)
    took_s: float = 0.0
    detail: str = ""


class Journal:
    """The writing end; for one thread."""

    def __init__(self, directory: Path, client: int) -> None:
        self._file: TextIO = (directory / f"{client}{SUFFIX}").open("x", encoding="utf-8")

    def __enter__(self) -> Self:
        """Use it as a context that closes the file."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the file."""
        self._file.close()

    def write(self, entry: Sent | Answer) -> None:
        """Write one line and hand it to the system."""
        self._file.write(json.dumps(_fields(entry)) + "\n")
        self._file.flush()


def read(directory: Path) -> Iterator[tuple[int, Sent | Answer]]:
    """Read what all clients wrote, as (client, entry), each client's entries in order."""
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        client = int(path.name.removesuffix(SUFFIX))
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield client, _entry(json.loads(line))


def _fields(entry: Sent | Answer) -> dict[str, Any]:
    fields = {name: getattr(entry, name) for name in entry.__slots__}
    return fields | {"ids": entry.ids.hex()} if isinstance(entry, Answer) else fields


def _entry(fields: dict[str, Any]) -> Sent | Answer:
    if "outcome" not in fields:
        return Sent(**fields)
    converted = {
        "outcome": Outcome(fields["outcome"]),
        "ids": bytes.fromhex(fields["ids"]),
        "rejected": {int(index): code for index, code in fields["rejected"].items()},
    }
    return Answer(**fields | converted)
