"""What a request of the admin API carries and gets: a JSON object, or a problem with its code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from ingest.admin import heads
from ingest.errors import IngestError
from ingest.media import Refusal, byte_length, check_body
from ingest.serving import Response, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The edge's bound for the one route of this API that it hands on.
MAX_BODY_BYTES = 64 << 10


async def answer(work: Callable[[], object]) -> Response:
    """Do blocking work on a thread of its own and tell what it gave, as JSON."""
    try:
        told = await asyncio.to_thread(work)
    except Refusal as refusal:
        return problem(refusal.code)
    except IngestError as error:
        return problem("database_unavailable", str(error), Retry_After="1")
    return Response(200, heads.JSON, orjson.dumps(told))


def json_fields(headers: Mapping[str, str], body: str | bytes) -> dict[str, object]:
    """Read the object that a body is; Refusal when it is none, or not as its head says."""
    check_body(headers, body)
    if byte_length(body) > MAX_BODY_BYTES:
        raise Refusal("body_too_large")
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal("invalid_request") from None
    if not isinstance(fields, dict):
        raise Refusal("invalid_request")
    return fields
