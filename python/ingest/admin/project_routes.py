"""The admin API's routes for projects, keys and plans (docs/admin-api.md)."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

import orjson

from ingest.addresses import AddressLimit
from ingest.admin.projects import PAGE_DEFAULT, PAGE_MAX, Json, Projects, fields_of
from ingest.errors import IngestError
from ingest.media import Refusal, check_body
from ingest.serving import Headers, Request, Response, Route, Stream, problem
from ingest.store.key_table import SPREAD_S
from ingest.store.keys import ID_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.admin.callers import Callers
    from ingest.serving import Answer

PLANS = "/api/v1/plan"
PROJECTS = "/api/v1/project"
PROJECT = f"{PROJECTS}/:project"
KEYS = f"{PROJECT}/key"
KEY = f"{KEYS}/:key"
# Python reads no number of thousands of digits.
_LIMIT = re.compile(r"[0-9]{1,9}")
_KEY_ID = re.compile(rf"[0-9a-f]{{{ID_CHARACTERS}}}")
_JSON = Headers({"Content-Type": "application/json", "Cache-Control": "no-store"})

# What a request asks for, to be run in a thread; the second one is given the body's fields.
_Reading = Callable[[Request], Callable[[], Json]]
_Changing = Callable[[Request, Json], Callable[[], Json]]


class Making:
    """Bounds how many projects one address makes."""

    def __init__(self, per_minute: int, callers: Callers) -> None:
        self._addresses = AddressLimit(per_minute)
        self._callers = callers

    def check(self, headers: Mapping[str, str]) -> Response | None:
        """Give the answer for one too many."""
        wait_s = self._addresses.wait_s(self._callers.address(headers), time.monotonic())
        told = "too many projects are made from this address"
        retry_after = str(math.ceil(wait_s))
        return problem("address_limited", told, Retry_After=retry_after) if wait_s else None


def project_routes(do: Projects, making: Making) -> Sequence[Route]:
    """Give all of them; each needs the admin token."""
    make = _spread(_change(lambda _, fields: partial(do.make, fields)))
    add_key = _spread(_change(lambda asked, to: partial(do.add_key, _project(asked), to)))
    return [
        Route("GET", PLANS, _read(lambda _: do.plans)),
        Route("GET", PROJECTS, _read(lambda asked: partial(do.page, *_page(asked)))),
        Route("POST", PROJECTS, _bounded(making, make)),
        Route("GET", PROJECT, _read(lambda asked: partial(do.show, _project(asked)))),
        Route(
            "PATCH", PROJECT, _change(lambda asked, to: partial(do.set_plan, _project(asked), to))
        ),
        Route("GET", KEYS, _read(lambda asked: partial(do.keys, _project(asked)))),
        Route("POST", KEYS, add_key),
        Route("DELETE", KEYS, _read(lambda asked: partial(do.revoke, _project(asked), None))),
        Route("DELETE", KEY, _read(lambda asked: partial(do.revoke, _project(asked), _key(asked)))),
    ]


def _bounded(making: Making, make: Answer) -> Answer:
    async def answer(request: Request, headers: Mapping[str, str]) -> Response | Stream:
        return making.check(headers) or await make(request, headers)

    return answer


def _spread(make: Answer) -> Answer:
    """Show a new key when every worker knows it; no thread is held meanwhile."""

    async def answer(request: Request, headers: Mapping[str, str]) -> Response | Stream:
        made = await make(request, headers)
        if made.status_code == 200:  # noqa: PLR2004
            await asyncio.sleep(SPREAD_S)
        return made

    return answer


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
    given = unquote(request.path_params["key"])
    if not _KEY_ID.fullmatch(given):  # PostgreSQL takes not even every text to compare with
        raise Refusal("key_not_found")
    return given


def _page(request: Request) -> tuple[str, int]:
    given = dict(request.query_params.multi_items())
    limit = given.get("limit", str(PAGE_DEFAULT))
    if not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= PAGE_MAX):
        raise Refusal("invalid_request", f"limit must be 1 to {PAGE_MAX}")
    after = unquote_plus(given.get("after", ""))
    if not after.isprintable():  # no name is, and PostgreSQL takes no NUL
        raise Refusal("invalid_request", "after must be the name of a project")
    return after, int(limit)
