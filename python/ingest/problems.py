"""What a client is told when a request as a whole is refused: RFC 9457 problem details.

One table of the codes that Python answers with; the codes for bodies and events are the native
extension's (REJECT_CODES), those of malformed HTTP the edge's. A code never changes its meaning.
No HTTP library here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason for a refusal; `message` is what is told when nothing more precise is known."""

    code: str
    status: int
    title: str
    message: str

    def body(self, message: str = "", **members: object) -> bytes:
        """Write it as JSON; `members` are added as they are."""
        told = message or self.message
        fields = {
            "type": f"urn:ingest:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "message": told,
            "detail": told,
        }
        return json.dumps(fields | members, separators=(",", ":")).encode()


def _table(*problems: Problem) -> dict[str, Problem]:
    return {problem.code: problem for problem in problems}


_RETRY = "Service Unavailable"
PROBLEMS = _table(
    Problem(
        "truncated_body", 400, "Bad Request", "the body is shorter or longer than Content-Length"
    ),
    Problem(
        "invalid_idempotency_key",
        400,
        "Bad Request",
        "Idempotency-Key must be one value of 1 to 255 visible ASCII characters",
    ),
    Problem("invalid_parameter", 400, "Bad Request", "the parameter strict is true or false"),
    Problem("invalid_request", 400, "Bad Request", "the request's fields can't be read"),
    Problem(
        "unauthorized",
        401,
        "Unauthorized",
        "a known key is needed in X-Api-Key or Authorization: Bearer",
    ),
    Problem("key_revoked", 403, "Forbidden", "this key was revoked"),
    Problem("key_expired", 403, "Forbidden", "this key has reached its end"),
    Problem("forbidden", 403, "Forbidden", "this is not allowed"),
    Problem("not_found", 404, "Not Found", "there is no such route"),
    Problem("project_not_found", 404, "Not Found", "there is no such project"),
    Problem("key_not_found", 404, "Not Found", "the project has no such key"),
    Problem(
        "method_not_allowed",
        405,
        "Method Not Allowed",
        "this route has other methods: see Allow",
    ),
    Problem("name_taken", 409, "Conflict", "a project of this name exists"),
    Problem("too_many_keys", 409, "Conflict", "the project has too many keys: revoke some"),
    Problem("length_required", 411, "Length Required", "Content-Length is needed"),
    Problem("body_too_large", 413, "Content Too Large", "the body is larger than the limit"),
    Problem(
        "unsupported_media_type",
        415,
        "Unsupported Media Type",
        "the body must be application/json in UTF-8",
    ),
    Problem(
        "unsupported_encoding",
        415,
        "Unsupported Media Type",
        "Content-Encoding is not taken: send the body as it is",
    ),
    Problem(
        "plan_too_small",
        413,
        "Content Too Large",
        "the request holds more events than the project's plan allows in a minute: send fewer",
    ),
    Problem("invalid_project", 422, "Unprocessable Content", "the project's fields are not valid"),
    Problem("invalid_key", 422, "Unprocessable Content", "the key's fields are not valid"),
    Problem(
        "too_many_attempts",
        429,
        "Too Many Requests",
        "too many wrong tokens or links: wait for as long as Retry-After says",
    ),
    Problem("plan_exceeded", 429, "Too Many Requests", "the project's plan allows no more now"),
    Problem(
        "address_limited",
        429,
        "Too Many Requests",
        "too many requests without a valid key come from this address",
    ),
    Problem("internal_error", 500, "Internal Server Error", "this is a fault of the server"),
    Problem("overloaded", 503, _RETRY, "more waits than may: come back later"),
    Problem("stream_full", 503, _RETRY, "the stream has no room until it drains"),
    Problem("stream_unavailable", 503, _RETRY, "the stream can't be reached"),
    Problem("stream_misconfigured", 503, _RETRY, "the stream refuses: its operator must act"),
    Problem("shard_missing", 503, _RETRY, "no consumer has created the stream yet"),
    Problem(
        "outcome_unknown",
        503,
        _RETRY,
        "the events may or may not be stored: send them again with the same ids or key",
    ),
    Problem("keys_unavailable", 503, _RETRY, "the keys are not loaded yet"),
    Problem("database_unavailable", 503, _RETRY, "PostgreSQL can't be reached"),
    Problem("not_consuming", 503, _RETRY, "this consumer does not do its work"),
    Problem("not_sampled", 503, _RETRY, "nothing is known of the other processes yet"),
    Problem("draining", 503, _RETRY, "this server is stopping"),
)
# What the edge answers by itself; its messages are in local/problems.py, a test compares.
EDGE_CODES = frozenset(
    {
        *("bad_certificate", "bad_request", "body_too_large", "draining", "forbidden"),
        *("head_too_large", "internal_error", "invalid_idempotency_key", "length_required"),
        *("method_not_allowed", "not_found", "overloaded", "tls_required", "too_many_connections"),
        *("unauthorized", "unavailable", "unsupported_media_type", "uri_too_long"),
        *("worker_timeout", "worker_unreachable"),
    }
)
