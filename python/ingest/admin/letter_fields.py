"""Which dead letters a request means: fields of a query or of a JSON body, read strictly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from ingest.media import Refusal
from ingest.project_id import id_of
from ingest.store.kept_letters import Pick

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_IDS = 1000
MAX_ID = 2**63 - 1
MAX_SHARD = 1023
MAX_CODE = 100
FILTERS = {"ids", "project", "project_id", "code", "shard", "since", "until"}


def pick(fields: Mapping[str, object]) -> Pick:
    """Read filters; Refusal when a field is unknown or not valid."""
    if not fields.keys() <= FILTERS:
        raise Refusal("invalid_request")
    given = {name: value for name, value in fields.items() if value is not None}
    if {"project", "project_id"} <= given.keys():  # one would silently win over the other
        raise Refusal("invalid_request")
    project_id, since, until = given.get("project_id"), given.get("since"), given.get("until")
    named = _text(given["project"]) if "project" in given else None
    asked = None if named is None else id_of(named)
    try:
        return Pick(
            ids=_ids(given["ids"]) if "ids" in given else None,
            project_id=UUID(_text(project_id)) if project_id else asked,
            project=named if asked is None else None,
            code=_text(given["code"]) if "code" in given else None,
            shard=number(given["shard"], MAX_SHARD) if "shard" in given else None,
            since=_time(since) if since else None,
            until=_time(until) if until else None,
        )
    except ValueError:
        raise Refusal("invalid_request") from None


def pick_to_change(fields: Mapping[str, object]) -> Pick:
    """Read which letters are to be changed: all of them only by `"all": true`."""
    picked = pick({name: value for name, value in fields.items() if name != "all"})
    if picked.is_all and fields.get("all") is not True:
        raise Refusal("invalid_request")
    return picked


def number(given: object, most: int) -> int:
    """Read a whole number from 0 to `most`, as JSON has it or in digits; Refusal."""
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < MAX_CODE:
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= most:
        raise Refusal("invalid_request")
    return given


def _ids(given: object) -> list[int]:
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_IDS:
        raise Refusal("invalid_request")
    return [number(one, MAX_ID) for one in given]


def _text(given: object) -> str:
    if not isinstance(given, str) or not given.isprintable() or not 0 < len(given) <= MAX_CODE:
        raise Refusal("invalid_request")
    return given


def _time(given: object) -> datetime:
    """Read a time as RFC 3339 has it; without an offset it is UTC's."""
    time = datetime.fromisoformat(_text(given))
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
