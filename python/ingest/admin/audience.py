"""Whoever watches: what a feed needs to know of them."""

from __future__ import annotations

from typing import Protocol


class Audience(Protocol):
    """May be asked and told from any thread."""

    def is_watched(self, topic: str) -> bool:
        """Say whether somebody watches: what nobody sees need not be found out."""

    def publish(self, topic: str, message: object) -> None:
        """Send a message to all who watch the topic."""
