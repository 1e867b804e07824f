"""How a client wants its events taken, read strictly: what is not understood is refused.

Pure functions over headers and query; what concerns the body alone is media's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ingest.media import REMEMBERED, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY = re.compile(r"[\x21-\x7e]{1,255}")
MINIMAL = frozenset({"return=minimal", 'return="minimal"'})


class Asked(NamedTuple):
    """How a body is to be taken."""

    idempotency_key: str | None
    is_strict: bool
    is_minimal: bool


def read(headers: Mapping[str, str], parameters: Sequence[tuple[str, str]]) -> Asked:
    """Read what changes how events are taken; Refusal for a value that means nothing here.

    A key that came twice is refused: its values are joined by a space, which no key may hold.
    """
    key = headers.get("idempotency-key")
    if key is not None and not KEY.fullmatch(key):
        raise Refusal("invalid_idempotency_key")
    prefer = headers.get("prefer")
    is_minimal = prefer is not None and prefers_minimal(prefer)
    return Asked(key, bool(parameters) and is_strict(parameters), is_minimal)


@lru_cache(REMEMBERED)
def prefers_minimal(prefer: str) -> bool:
    """Say whether a Prefer header (RFC 7240) has return=minimal; unknown ones are ignored."""
    preferences = (part.partition(";")[0] for part in prefer.split(","))
    return any(one.replace(" ", "").lower() in MINIMAL for one in preferences)


def is_strict(parameters: Sequence[tuple[str, str]]) -> bool:
    """Read `?strict=true|false`; another value is refused, another parameter ignored."""
    values = {value for name, value in parameters if name == "strict"}
    if values - {"true", "false"} or len(values) > 1:
        raise Refusal("invalid_parameter")
    return "true" in values
