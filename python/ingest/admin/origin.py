"""Which page of a browser a request comes from, by what browsers add and a page can't change.

Sec-Fetch-Site says it of each request to loopback or over TLS, Origin of each that is no plain GET.
Cookies alone don't: they go to every port of a host, and SameSite knows no ports either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

# "none": typed, or from a bookmark or another program.
OWN_SITES = ("same-origin", "none")


def is_foreign(method: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a page of another origin sends this; following a link to here is no harm."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in OWN_SITES:
        return not _is_visit(method, headers)
    origin = headers.get("origin")
    return origin is not None and not _is_here(origin, headers)


def is_own(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser says that a page from here sends this."""
    origin = headers.get("origin")
    if origin is not None:
        return _is_here(origin, headers)
    return headers.get("sec-fetch-site") == "same-origin"


def is_encrypted(headers: Mapping[str, str]) -> bool:
    """Tell whether the page was loaded over TLS, which something in front of us speaks."""
    return headers.get("origin", "").startswith("https://")


def _is_here(origin: str, headers: Mapping[str, str]) -> bool:
    try:
        return urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False


def _is_visit(method: str, headers: Mapping[str, str]) -> bool:
    is_navigation = headers.get("sec-fetch-mode") == "navigate"
    return method == "GET" and is_navigation and headers.get("sec-fetch-dest") == "document"
