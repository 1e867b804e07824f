"""Whether the body of a request is what its head says: JSON in UTF-8, as it is, and whole."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON_TYPE = re.compile(r"application/(?:[a-z0-9!#$&^_.+-]+\+)?json", re.IGNORECASE)
UTF8 = re.compile(r'charset="?utf-?8"?', re.IGNORECASE)
# Clients differ in a handful of ways; a hostile one can't make this grow.
REMEMBERED = 256


class Refusal(Exception):
    """A request that is refused; `code` is the problem's, `message` says more than it does."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


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


@lru_cache(REMEMBERED)
def is_json(content_type: str) -> bool:
    """Say whether a media type is JSON in UTF-8; other parameters than charset mean nothing."""
    media, *parameters = (part.strip() for part in content_type.split(";"))
    charsets = [one for one in parameters if one.lower().startswith("charset")]
    return bool(JSON_TYPE.fullmatch(media)) and all(map(UTF8.fullmatch, charsets))


def byte_length(body: str | bytes) -> int:
    """Give the length in UTF-8, without a copy where it can be."""
    if isinstance(body, bytes) or body.isascii():
        return len(body)
    return len(body.encode())
