"""The six projects of the reference profile in a running product, without limits."""

from __future__ import annotations

import http.client
import time
from secrets import token_hex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ingest.store import keys, projects, session

from bench.system import PLANS

if TYPE_CHECKING:
    from ingest.store.session import Connection

#: What plans limit is not what is measured; the reference's limits were raised for its loads too.
PLAN = "unlimited"
#: Workers look for new keys once a second each, and the edge takes them in turn.
KNOWN_S, POLL_S, IN_A_ROW = 30.0, 0.02, 32
STRANGE = {http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.TOO_MANY_REQUESTS}


def make(dsn: str, url: str) -> list[str]:
    """Make new projects, wait until the workers know them, and give their keys."""
    with session.connect(dsn, "bench projects") as connection:
        made = [_make(connection, f"bench-{token_hex(4)}") for _ in PLANS]
    _wait_known(url, made[-1])
    return made


def _make(connection: Connection, name: str) -> str:
    made = projects.create(connection, name, PLAN)
    if made is None:
        raise RuntimeError(f"the project {name} is there already")
    key = keys.generate("bench")
    keys.insert(connection, made.project_id, keys.digest(key))
    return key


def _wait_known(url: str, key: str) -> None:
    deadline, known = time.monotonic() + KNOWN_S, 0
    while known < IN_A_ROW:
        known = known + 1 if _is_known(url, key) else 0
        if time.monotonic() > deadline:
            raise RuntimeError("the workers don't know the new keys")
        if not known:
            time.sleep(POLL_S)


def _is_known(url: str, key: str) -> bool:
    """Tell whether a request without an event is refused for what it holds, and not for its key."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5.0)
    try:
        connection.request("POST", "/v1/events", "{", {"X-Api-Key": key})
        return connection.getresponse().status not in STRANGE
    finally:
        connection.close()
