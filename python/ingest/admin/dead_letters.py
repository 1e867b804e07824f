"""Dead letters over the admin API: list, show, replay and drop."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from ingest.admin import letter_fields
from ingest.admin.answers import answer, json_fields
from ingest.media import Refusal
from ingest.serving import Route
from ingest.store import kept_letters, session
from ingest.store.kept_letters import Pick
from ingest.store.replay import Replayed
from ingest.store.replay import replay as replay_letters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingest.serving import Request, Response
    from ingest.store.kept_letters import KeptLetter

PATH = "/api/v1/dead-letters"
APPLICATION = "ingest admin"
DEFAULT_LIMIT, MAX_LIMIT = 50, 100
# Whoever waits for the answer may give up: what was replayed by then is committed and told.
REPLAY_S = 20.0


class DeadLetters:
    """The routes; each request has a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    @property
    def routes(self) -> list[Route]:
        """All routes."""
        return [
            Route("GET", PATH, self._list),
            Route("GET", f"{PATH}/letter", self._show),
            Route("POST", f"{PATH}/replay", self._replay),
            Route("POST", f"{PATH}/drop", self._drop),
        ]

    async def _list(self, request: Request, _headers: Mapping[str, str]) -> Response:
        items = request.query_params.multi_items()  # as they were sent: nobody has decoded them
        given = {name: unquote_plus(value) for name, value in items}
        return await answer(lambda: find(self._dsn, given))

    async def _show(self, request: Request, _headers: Mapping[str, str]) -> Response:
        given = request.query_params.get("id", "")
        return await answer(lambda: show(self._dsn, given))

    async def _replay(self, request: Request, headers: Mapping[str, str]) -> Response:
        return await self._change(replay, request, headers)

    async def _drop(self, request: Request, headers: Mapping[str, str]) -> Response:
        return await self._change(drop, request, headers)

    async def _change(
        self,
        change: Callable[[str, Pick], dict[str, object]],
        request: Request,
        headers: Mapping[str, str],
    ) -> Response:
        body = request.body

        def work() -> dict[str, object]:
            return change(self._dsn, letter_fields.pick_to_change(json_fields(headers, body)))

        return await answer(work)


def find(dsn: str, given: Mapping[str, object]) -> dict[str, object]:
    """List letters, the newest first, without their events. Refusal, Retryable, NeedsPerson."""
    limit = letter_fields.number(given.get("limit", DEFAULT_LIMIT), MAX_LIMIT)
    before = letter_fields.number(given.get("before", letter_fields.MAX_ID), letter_fields.MAX_ID)
    filters = {name: value for name, value in given.items() if name not in {"limit", "before"}}
    picked = letter_fields.pick(filters)
    with session.connect(dsn, APPLICATION) as connection:
        found = kept_letters.find(connection, picked, limit, before)[::-1]
        total = kept_letters.count(connection, picked)
    return {"total": total, "letters": [_as_json(letter) for letter in found]}


def show(dsn: str, given: object) -> dict[str, object]:
    """Give one letter with its event; Refusal when there is none. Retryable, NeedsPerson."""
    picked = Pick([letter_fields.number(given, letter_fields.MAX_ID)])
    with session.connect(dsn, APPLICATION) as connection:
        found = kept_letters.find(connection, picked)
    if not found:
        raise Refusal("not_found")
    return _as_json(found[0]) | {"event": found[0].event}


def replay(dsn: str, picked: Pick) -> dict[str, object]:
    """Store what can be stored now, for about REPLAY_S at most. Retryable or NeedsPerson."""
    total, deadline, is_complete = Replayed(), time.monotonic() + REPLAY_S, True
    with session.connect(dsn, APPLICATION) as connection:
        for done in replay_letters(connection, picked):
            total += done
            if time.monotonic() > deadline:
                is_complete = False
                break
    return asdict(total) | {"is_complete": is_complete}


def drop(dsn: str, picked: Pick) -> dict[str, object]:
    """Delete letters for ever. Retryable or NeedsPerson."""
    with session.connect(dsn, APPLICATION) as connection:
        return {"letters": kept_letters.drop(connection, picked)}


def _as_json(letter: KeptLetter) -> dict[str, object]:
    fields = asdict(letter)
    del fields["event"]
    return fields | {"code": letter.code}
