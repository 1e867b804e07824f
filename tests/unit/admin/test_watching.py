"""Probes of the admin process while every thread of its other work is taken."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import orjson
import pytest
from ingest.admin.watching import Watching
from ingest.serving import Response
from ingest.settings import Settings

from tests.unit.loop import in_loop

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.serving import Request

ANSWERED_S = 10.0
NOBODY = "127.0.0.1:1"
ANY = cast("Request", SimpleNamespace())


def settings(data_dir: Path) -> Settings:
    urls = {"database_url": f"postgresql://{NOBODY}/x", "valkey_url": f"redis://{NOBODY}"}
    return Settings.load(None, data_dir=data_dir, **urls)


@pytest.mark.parametrize(("path", "status"), [("/readyz", 503), ("/metrics", 200)])
@in_loop
async def test_a_probe_waits_for_no_other_work(tmp_path: Path, path: str, status: int) -> None:
    watching = Watching(settings(tmp_path), lambda: "")
    (probe,) = (one for one in watching.routes if (one.method, one.path) == ("GET", path))
    replayed = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        replay = asyncio.get_running_loop().run_in_executor(None, replayed.wait)
        watching.start()
        try:
            async with asyncio.timeout(ANSWERED_S):
                answer = await probe.answer(ANY, {})
        finally:
            replayed.set()
            watching.stop()
            await replay
    assert answer.status_code == status


@in_loop
async def test_a_warning_of_admin_itself_is_told(tmp_path: Path) -> None:
    watching = Watching(settings(tmp_path), lambda: "see to it")
    (readyz,) = (one for one in watching.routes if (one.method, one.path) == ("GET", "/readyz"))
    watching.start()
    try:
        answer = await readyz.answer(ANY, {})
    finally:
        watching.stop()
    assert isinstance(answer, Response)
    (own,) = (part for part in orjson.loads(answer.description)["parts"] if part["name"] == "admin")
    assert (own["reason"], own["warning"]) == ("", "see to it")
