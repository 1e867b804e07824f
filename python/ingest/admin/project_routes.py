"""The admin API's routes for projects, keys and plans (docs/admin-api.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

import orjson

from ingest.admin.projects import PAGE_DEFAULT, PAGE_MAX, Json, Projects, fields_of
from ingest.errors import IngestError
from ingest.media import Refusal, check_body
from ingest.serving import Headers, Request, Response, Route, problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.serving import Answer

PLANS = "/api/v1/plan"
PROJECTS = "/api/v1/project"
PROJECT = f"{PROJECTS}/:project"
KEYS = f"{PROJECT}/key"
KEY = f"{KEYS}/:key"
_JSON = Headers({"Content-Type": "application/json", "Cache-Control": "no-store"})

# What a request asks for, to be run in a thread; the second one is given the body's fields.
_Reading = Callable[[Request], Callable[[], Json]]
_Changing = Callable[[Request, Json], Callable[[], Json]]


def project_routes(do: Projects) -> Sequence[Route]:
    """Give all of them; each needs the admin token."""
    return [
        Route("GET", PLANS, _read(lambda _: do.plans)),
        Route("GET", PROJECTS, _read(lambda asked: partial(do.page, *_page(asked)))),
        Route("POST", PROJECTS, _change(lambda _, fields: partial(do.make, fields))),
        Route("GET", PROJECT, _read(lambda asked: partial(do.show, _project(asked)))),
        Route(
            "PATCH", PROJECT, _change(lambda asked, to: partial(do.set_plan, _project(asked), to))
        ),
        Route("GET", KEYS, _read(lambda asked: partial(do.keys, _project(asked)))),
        Route("POST", KEYS, _change(lambda asked, to: partial(do.add_key, _project(asked), to))),
        Route("DELETE", KEYS, _read(lambda asked: partial(do.revoke, _project(asked), None))),
        Route("DELETE", KEY, _read(lambda asked: partial(do.revoke, _project(asked), _key(asked)))),
    ]


def _read(reading: _Reading) -> Answer:
    async def answer(request: Request, _headers: Mapping[str, str]) -> Response:
        return await _told(lambda: reading(request))

    return answer


def _change(changing: _Changing) -> Answer:
    async def answer(request: Request, headers: Mapping[str, str]) -> Response:
        def asked() -> Callable[[], Json]:
            if request.body or headers.get("content-length", "0") != "0":
                check_body(headers, request.body)
            return changing(request, fields_of(request.body))

        return await _told(asked)

    return answer


async def _told(asked: Callable[[], Callable[[], Json]]) -> Response:
    try:
        found = await asyncio.to_thread(asked())
    except Refusal as refusal:
        return problem(refusal.code, refusal.message)
    except IngestError:
        return problem("database_unavailable", Retry_After="1")
    return Response(200, _JSON, orjson.dumps(found))


def _project(request: Request) -> str:
    return unquote(request.path_params["project"])


def _key(request: Request) -> str:
    return unquote(request.path_params["key"])


def _page(request: Request) -> tuple[str, int]:
    given = dict(request.query_params.multi_items())
    limit = given.get("limit", str(PAGE_DEFAULT))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= PAGE_MAX):
        raise Refusal("invalid_request", f"limit must be 1 to {PAGE_MAX}")
    return unquote_plus(given.get("after", "")), int(limit)
