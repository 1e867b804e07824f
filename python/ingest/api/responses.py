"""The worker's answers; the frequent ones are made once and returned again and again."""

from __future__ import annotations

import math

from ingest.errors import IngestError, OutcomeUnknown, Overloaded, ShardMissing, StreamRefused
from ingest.problems import CONTENT_TYPE
from ingest.serving import Headers, Response, problem
from ingest.stream.durability import AckLevel

JSON = "application/json"

DRAINING = problem("draining", Retry_After="1")
FORBIDDEN = problem("forbidden")
REFUSALS = {
    "unauthorized": problem("unauthorized", WWW_Authenticate="Bearer"),
    "keys_unavailable": problem("keys_unavailable", Retry_After="1"),
} | {
    code: problem(code)
    for code in (
        "key_revoked",
        "key_expired",
        "invalid_idempotency_key",
        "invalid_parameter",
        "length_required",
        "truncated_body",
        "unsupported_media_type",
        "unsupported_encoding",
    )
}

_ACCEPTED_FIELDS = {
    (level, is_minimal): {"Content-Type": JSON, "Ingest-Ack": str(level)}
    | ({"Preference-Applied": "return=minimal"} if is_minimal else {})
    for level in AckLevel
    for is_minimal in (False, True)
}
_ACCEPTED = {asked: Headers(fields) for asked, fields in _ACCEPTED_FIELDS.items()}
_PROBLEM_FIELDS = {"Content-Type": CONTENT_TYPE}
_PROBLEM = Headers(_PROBLEM_FIELDS)
_ACCEPTED_STATUS = 202


def accepted(
    body: bytes, level: AckLevel, limits: dict[str, str] | None = None, *, is_minimal: bool
) -> Response:
    """Acknowledge: the body as the extension wrote it, where the events are, and the limits."""
    asked = (level, is_minimal)
    headers = _ACCEPTED[asked] if limits is None else Headers(_ACCEPTED_FIELDS[asked] | limits)
    return Response(_ACCEPTED_STATUS, headers, body)


def rejected(status: int, body: bytes, limits: dict[str, str] | None = None) -> Response:
    """Answer with the problem that the extension wrote, and the limits."""
    headers = _PROBLEM if limits is None else Headers(_PROBLEM_FIELDS | limits)
    return Response(status, headers, body)


def not_appended(code: str, retry_after_s: float) -> Response:
    """Answer 503 for what the stream did not take; what it said itself is the operator's."""
    return problem(code, Retry_After=str(math.ceil(retry_after_s)))


def code_of(error: IngestError) -> str:
    """Give the problem's code for an append that failed."""
    if isinstance(error, StreamRefused):
        return error.code
    codes = {
        Overloaded: "overloaded",
        OutcomeUnknown: "outcome_unknown",
        ShardMissing: "shard_missing",
    }
    return codes.get(type(error), "internal_error")
