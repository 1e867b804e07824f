"""Who runs under the supervisor of `ingest up`: <data>/roster.json, written at every change.

The supervisor knows what nobody else does: which process is waiting to be started again, and how
often it was. Admin reads it; where there is no supervisor there is no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "roster.json"


class Member(NamedTuple):
    """One process; `state` is starting, ready or waiting, `pid` None while it does not run."""

    name: str
    state: str
    pid: int | None
    restarts: int


def encode(members: Iterable[Member]) -> str:
    """Write it as JSON."""
    return orjson.dumps([member._asdict() for member in members]).decode()


def read(data_dir: Path) -> list[Member]:
    """Read what the supervisor wrote; empty where none did."""
    try:
        return [Member(**fields) for fields in orjson.loads((data_dir / FILE).read_bytes())]
    except (OSError, ValueError, TypeError):
        return []
