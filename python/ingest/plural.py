"""A number with its noun, as people read it: `1 key`, `2 keys`, `1,000 entries`."""

from __future__ import annotations


def counted(count: int, noun: str, nouns: str = "") -> str:
    """Write a count with its noun; `nouns` is the plural where an s does not make it."""
    return f"{count:,} {form(count, noun, nouns)}"


def form(count: int, noun: str, nouns: str = "") -> str:
    """Give the noun alone in the form that stands behind a count."""
    return noun if count == 1 else nouns or f"{noun}s"
