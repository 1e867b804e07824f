"""The edge's own errors as RFC 9457 problem details; the workers' pass through untouched.

A client that is too slow gets no 408: nginx ends its connection without a word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

UNKNOWN = "the events may or may not be stored: send them again with the same ids or key"


@dataclass(frozen=True)
class Problem:
    """An error that nginx finds (`found`) and the answer that a client gets (`status`)."""

    found: int
    status: int
    title: str
    code: str
    message: str
    header: str = ""
    chosen: str = ""  # a variable of edge.conf that says which problem it is

    @property
    def body(self) -> str:
        """The answer's JSON, safe inside a single-quoted nginx string."""
        fields = {
            "type": f"urn:ingest:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "detail": self.message,
        }
        return json.dumps(fields, separators=(",", ":")).replace("'", r"\'")

    def directives(self) -> str:
        """Write nginx's lines for the inside of a server block."""
        # An address, not a named location: a malformed request line has none to keep.
        name = f"/-/problem/{self.found}"
        header = f"add_header {self.header} always; " if self.header else ""
        leads = f"= {self.chosen}" if self.chosen else f"={self.status} {name}"
        return (
            f"        error_page {self.found} {leads};\n"
            f"        location = {name} {{ internal; set $refusal {self.code}; "
            f"error_log stderr error; default_type application/problem+json; "
            f"add_header X-Request-Id $request_name always; {header}"
            f"return {self.status} '{self.body}'; }}"
        )


RETRY = "Retry-After 1"
LATER = "Retry-After $retry_s"  # not all at the same time
PROBLEMS = (
    Problem(400, 400, "Bad Request", "bad_request", "the request is not well-formed HTTP"),
    Problem(
        401,
        401,
        "Unauthorized",
        "unauthorized",
        "a key of the right form is needed in X-Api-Key or Authorization: Bearer",
        "WWW-Authenticate Bearer",
    ),
    Problem(403, 403, "Forbidden", "forbidden", "this is not allowed"),
    Problem(404, 404, "Not Found", "not_found", "there is no such route"),
    Problem(
        405,
        405,
        "Method Not Allowed",
        "method_not_allowed",
        "this route has other methods: see Allow",
        "Allow $allowed",
    ),
    Problem(411, 411, "Length Required", "length_required", "Content-Length is needed"),
    Problem(413, 413, "Content Too Large", "body_too_large", "the body is larger than the limit"),
    Problem(414, 414, "URI Too Long", "uri_too_long", "the address is too long"),
    Problem(
        415,
        415,
        "Unsupported Media Type",
        "unsupported_media_type",
        "the body must be JSON: Content-Type: application/json",
    ),
    Problem(
        494, 431, "Request Header Fields Too Large", "head_too_large", "the headers are too large"
    ),
    Problem(495, 400, "Bad Request", "bad_certificate", "the client's certificate is not accepted"),
    Problem(496, 400, "Bad Request", "bad_certificate", "a client's certificate is needed"),
    Problem(497, 400, "Bad Request", "tls_required", "plain HTTP was sent to a TLS port"),
    Problem(500, 500, "Internal Server Error", "internal_error", "the edge failed", RETRY),
    Problem(501, 400, "Bad Request", "bad_request", "this transfer coding is not known"),
    Problem(502, 502, "Bad Gateway", "worker_unreachable", UNKNOWN, RETRY, "$unanswered"),
    Problem(503, 503, "Service Unavailable", "unavailable", "not available now", RETRY),
    Problem(504, 504, "Gateway Timeout", "worker_timeout", UNKNOWN, RETRY),
    Problem(505, 400, "Bad Request", "bad_request", "this version of HTTP is not known"),
    Problem(
        595,
        401,
        "Unauthorized",
        "unauthorized",
        "the admin token is needed in Authorization: Bearer",
        "WWW-Authenticate Bearer",
    ),
    Problem(
        596,
        400,
        "Bad Request",
        "invalid_idempotency_key",
        "Idempotency-Key must be 1 to 255 visible ASCII characters",
    ),
    Problem(597, 503, "Service Unavailable", "draining", "this server is stopping", RETRY),
    Problem(598, 503, "Service Unavailable", "too_many_connections", "too many at once", LATER),
    Problem(
        599,
        503,
        "Service Unavailable",
        "overloaded",
        "more waits than may: come back later",
        LATER,
    ),
)


def directives() -> str:
    """Write all of them for the template."""
    return "\n".join(problem.directives() for problem in PROBLEMS)
