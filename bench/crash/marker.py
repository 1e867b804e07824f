"""The property by which a row in the table is traced to one event of one request."""

from __future__ import annotations

from typing import NamedTuple

PROPERTY = "marker"


class Marker(NamedTuple):
    """Which client, which of its requests, which event of it."""

    client: int
    request: int
    event: int

    def __str__(self) -> str:
        """Write it as it stands in the event."""
        return f"{self.client}-{self.request}-{self.event}"

    @classmethod
    def parse(cls, text: str) -> Marker | None:
        """Read it; None when no client can have written it."""
        parts = text.split("-")
        if len(parts) != 3 or not all(part.isdecimal() for part in parts):
            return None
        return cls(*map(int, parts))
