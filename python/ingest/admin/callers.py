"""Where a request to the admin process comes from: the edge's word for it, and nobody else's."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# All who ask without the edge: `front` stands between, so they look alike.
HERE = ""


class Callers:
    """Knows the edge by its secret; what a client's own headers say is never looked at."""

    def __init__(self, edge_secret: str) -> None:
        self._edge_secret = edge_secret.encode()

    def address(self, headers: Mapping[str, str]) -> str:
        """Give the address that the edge saw, HERE without the edge."""
        given = headers.get("x-ingest-edge", "").encode("utf-8", "replace")
        is_edge = bool(given) and hmac.compare_digest(given, self._edge_secret)
        return headers.get("x-real-ip", HERE) if is_edge else HERE
