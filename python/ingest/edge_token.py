"""What the edge's datagrams about refusals carry: it shows who sent them and opens nothing.

Whoever takes admin's port while admin is away reads them, so the secret itself is not in them.
"""

from __future__ import annotations

from hashlib import sha256

PURPOSE = "refusals "


def of(secret: str) -> str:
    """Derive it from the edge's secret, which has more than a hundred random bits."""
    return sha256((PURPOSE + secret).encode()).hexdigest()
