"""The OpenAPI 3.1 document of the public routes; a test compares it with the running ones.

Bounds and event types come from the settings and the schema in use, codes from the tables that
the answers come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingest import __name__ as product
from ingest._native import REJECT_CODES
from ingest.plans import DEFAULT
from ingest.problems import CONTENT_TYPE, PROBLEMS
from ingest.store.projects import NAME_MAX, NAME_MIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest._native import Limits, Schema

Json = dict[str, Any]
WHEN = {
    "400": "The head or the JSON is broken; nothing is stored.",
    "401": "No known key.",
    "403": "The key was revoked.",
    "411": "No Content-Length.",
    "413": "The body, or the number of events, is too large.",
    "415": "Not JSON, or a Content-Encoding.",
    "422": "No event was acceptable; `rejected` says why.",
    "429": "The project's plan allows no more now; nothing is stored.",
    "503": "Nothing is stored, except that `outcome_unknown` may be: send it again after a while.",
}

RETRIED = {"429", "503"}
LIMITED = {"422", "429"}
RATE_LIMIT: Json = {
    name: {"description": told, "schema": {"type": "string"}}
    for name, told in {
        "RateLimit-Policy": "What the project's plan allows; not there when it bounds nothing.",
        "RateLimit": "What is left of it, and in how many seconds all of it is.",
    }.items()
}


def document(schema: Schema, limits: Limits, version: str, plans: Sequence[str]) -> Json:
    """Write the document for one worker's schema and limits."""
    single = _ingest("One event", _ref("Event"), _ref("Accepted"))
    batch = _ingest("A batch", _batch(limits.max_compat_events), _ref("AcceptedBatch"))
    native = _ingest("Events in any of three shapes", _native(limits), _ref("AcceptedBatch"))
    return {
        "openapi": "3.1.0",
        "info": {"title": product, "version": version, "license": {"name": "Apache-2.0 OR MIT"}},
        "paths": {
            "/v1/events": {"post": native},
            "/api/v1/event": {"post": single},
            "/api/v1/event/batch": {"post": batch},
            "/api/v1/project": {"post": _project(plans)},
            "/health": {"get": _page("Whether events are taken", "application/json")},
            "/docs": {"get": _page("This interface for people", "text/html")},
            "/docs/openapi.json": {"get": _page("This document", "application/json")},
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": _schemas(schema, limits),
        },
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(schema: Json, media: str = "application/json") -> Json:
    return {media: {"schema": schema}}


def _batch(most: int) -> Json:
    events = {"type": "array", "items": _ref("Event"), "minItems": 1, "maxItems": most}
    return {"type": "object", "required": ["events"], "properties": {"events": events}}


def _native(limits: Limits) -> Json:
    batch = _batch(limits.max_batch_events)
    return {"oneOf": [_ref("Event"), batch["properties"]["events"], batch]}


def _ingest(summary: str, body: Json, answer: Json) -> Json:
    acknowledged = {
        "description": "Stored in the stream, as durably as Ingest-Ack says.",
        "headers": {"Ingest-Ack": {"schema": {"enum": ["fsync", "memory"]}}, **RATE_LIMIT},
        "content": _content(answer),
    }
    return {
        "summary": summary,
        "security": [{"key": []}, {"bearer": []}],
        "parameters": _parameters(),
        "requestBody": {"required": True, "content": _content(body)},
        "responses": {"202": acknowledged, **{status: _problem(status) for status in WHEN}},
    }


def _parameters() -> list[Json]:
    key = {"type": "string", "pattern": "^[!-~]{1,255}$"}
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same event under the same key is stored once.",
            "schema": key,
        },
        {
            "name": "Prefer",
            "in": "header",
            "description": "return=minimal leaves out the ids.",
            "schema": {"type": "string"},
        },
        {
            "name": "strict",
            "in": "query",
            "description": "With true, one bad event refuses all.",
            "schema": {"type": "boolean"},
        },
    ]


def _problem(status: str) -> Json:
    answer: Json = {
        "description": WHEN[status],
        "content": _content(_ref("Problem"), CONTENT_TYPE),
    }
    if status in RETRIED:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    if status in LIMITED:
        answer["headers"] = {**answer.get("headers", {}), **RATE_LIMIT}
    return answer


def _project(plans: Sequence[str]) -> Json:
    fields = {
        "name": {"type": "string", "minLength": NAME_MIN, "maxLength": NAME_MAX},
        "plan": {"enum": list(plans), "default": DEFAULT},
    }
    made = {
        name: {"type": "string"} for name in ("project_id", "name", "plan", "api_key", "created_at")
    }
    body = {"type": "object", "required": ["name"], "properties": fields}
    refused = {
        status: {"description": text, "content": _content(_ref("Problem"), CONTENT_TYPE)}
        for status, text in {
            "401": "The operator's token is needed.",
            "403": "The token is wrong.",
            "409": "The name is taken.",
            "422": "Name or plan is not valid.",
            "429": "Too many projects, or wrong tokens, come from this address.",
        }.items()
    }
    ok = {"description": "Made.", "content": _content({"type": "object", "properties": made})}
    return {
        "summary": "Make a project and its first key, which is shown only here",
        "security": [{"bearer": []}],
        "requestBody": {"required": True, "content": _content(body)},
        "responses": {"200": ok, **refused},
    }


def _page(summary: str, media: str) -> Json:
    ok = {"description": summary, "content": _content({}, media)}
    return {"summary": summary, "security": [], "responses": {"200": ok}}


def _schemas(schema: Schema, limits: Limits) -> Json:
    text = {"type": ["string", "null"], "maxLength": limits.max_indexed_bytes}
    uuid = {"type": "string", "format": "uuid"}
    ids = {"type": "array", "items": uuid}
    codes = [code for code, _ in REJECT_CODES]
    event = {
        "event_type": {"enum": list(schema.event_types)},
        "timestamp": {"type": "string", "format": "date-time"},
        "user_id": text,
        "session_id": text,
        "event_id": uuid,
        "properties": {"type": "object"},
    }
    rejection = {
        "index": {"type": "integer"},
        "code": {"enum": codes},
        "field": {"type": "string"},
        "message": {"type": "string"},
    }
    status = {"const": "accepted"}
    rejections = {"type": "array", "items": _ref("Rejection")}
    return {
        "Event": {"type": "object", "required": ["event_type"], "properties": event},
        "Accepted": {"type": "object", "properties": {"status": status, "event_id": uuid}},
        "AcceptedBatch": {
            "type": "object",
            "properties": {
                "status": status,
                "accepted": {"type": "integer"},
                "event_ids": ids,
                "rejected": rejections,
            },
        },
        "Rejection": {"type": "object", "properties": rejection},
        "Problem": {
            "type": "object",
            "description": "RFC 9457 problem details.",
            "properties": {
                "type": {"type": "string", "format": "uri"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "code": {"type": "string", "examples": sorted({*codes, *PROBLEMS})},
                "message": {"type": "string"},
                "detail": {"type": "string"},
                "rejected": rejections,
            },
        },
    }
