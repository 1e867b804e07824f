"""The heads of the admin process's answers, so that a browser takes them for nothing else."""

from __future__ import annotations

from ingest.serving import Headers

# Nothing but our own files and calls; no inline script or style; in nobody's frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def of(media: str) -> Headers:
    """Give the head of an answer of this media type."""
    return Headers({"Content-Type": media, **_ALWAYS})


def of_page() -> Headers:
    """Give the head of a page."""
    page = {"Content-Security-Policy": POLICY, "Cross-Origin-Opener-Policy": "same-origin"}
    return Headers({"Content-Type": "text/html; charset=utf-8", **_ALWAYS, **page})


JSON = of("application/json")
