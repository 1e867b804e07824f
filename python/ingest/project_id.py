"""A project's id as people write it: what can be read as one is never taken for a name."""

from __future__ import annotations

from uuid import UUID


def id_of(text: str) -> UUID | None:
    """Read an id in any of its forms (with or without hyphens, braces, `urn:uuid:`); else None."""
    try:
        return UUID(text)
    except ValueError:
        return None
