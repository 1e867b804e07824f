"""What the head of a request asks for, read strictly: what is not understood is refused.

Pure functions over headers and query; the body is the native extension's business.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY = re.compile(r"[\x21-\x7e]{1,255}")
JSON_TYPE = re.compile(r"application/(?:[a-z0-9!#$&^_.+-]+\+)?json", re.IGNORECASE)
UTF8 = re.compile(r'charset="?utf-?8"?', re.IGNORECASE)
MINIMAL = frozenset({"return=minimal", 'return="minimal"'})
# Clients differ in a handful of ways; a hostile one can't make this grow.
REMEMBERED = 256


class Asked(NamedTuple):
    """How a body is to be taken."""

    idempotency_key: str | None
    is_strict: bool
    is_minimal: bool


class Refusal(Exception):
    """A request that its head alone refuses; `code` is the problem's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check_body(headers: Mapping[str, str], body: str | bytes) -> None:
    """Refuse a body that is not JSON as it is, or not as long as was announced."""
    if not is_json(headers.get("content-type", "")):
        raise Refusal("unsupported_media_type")
    if "content-encoding" in headers:
        raise Refusal("unsupported_encoding")
    announced = headers.get("content-length")
    if announced is None:
        raise Refusal("length_required")
    if announced != str(byte_length(body)):
        raise Refusal("truncated_body")


def read(headers: Mapping[str, str], parameters: Sequence[tuple[str, str]]) -> Asked:
    """Read what changes how the body is taken; Refusal for a value that means nothing here."""
    key = headers.get("idempotency-key")
    if key is not None and not KEY.fullmatch(key):
        raise Refusal("invalid_idempotency_key")
    prefer = headers.get("prefer")
    is_minimal = prefer is not None and prefers_minimal(prefer)
    return Asked(key, bool(parameters) and is_strict(parameters), is_minimal)


@lru_cache(REMEMBERED)
def is_json(content_type: str) -> bool:
    """Say whether a media type is JSON in UTF-8; other parameters than charset mean nothing."""
    media, *parameters = (part.strip() for part in content_type.split(";"))
    charsets = [one for one in parameters if one.lower().startswith("charset")]
    return bool(JSON_TYPE.fullmatch(media)) and all(map(UTF8.fullmatch, charsets))


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


def byte_length(body: str | bytes) -> int:
    """Give the length in UTF-8, without a copy where it can be."""
    is_as_long = isinstance(body, bytes) or body.isascii()
    return len(body) if is_as_long else len(body.encode())  # type: ignore[union-attr]
