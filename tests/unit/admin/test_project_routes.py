"""Keys over the admin API while threads are few: one that spreads to the workers holds none."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from ingest.admin.callers import Callers
from ingest.admin.project_routes import KEYS, Making, project_routes
from ingest.admin.projects import Projects
from ingest.plans import BUILT_IN
from ingest.store import issue, session
from ingest.store.key_table import SPREAD_S

from tests.unit.loop import in_loop

if TYPE_CHECKING:
    from ingest.serving import Request

NAME = "shop"
AT_ONCE = 10


@in_loop
async def test_keys_that_spread_hold_no_thread(dsn: str) -> None:
    with session.connect(dsn, "test") as connection:
        issue.with_project(connection, NAME, "free")
    routes = project_routes(Projects(dsn, BUILT_IN), Making(0, Callers("")))
    (add_key,) = (one for one in routes if (one.method, one.path) == ("POST", KEYS))
    request = cast("Request", SimpleNamespace(path_params={"project": NAME}, body=""))
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        began = time.monotonic()
        answers = await asyncio.gather(*(add_key.answer(request, {}) for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {200}
    assert SPREAD_S <= time.monotonic() - began < AT_ONCE * SPREAD_S
