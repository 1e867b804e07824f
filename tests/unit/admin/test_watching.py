"""Probes of the admin process while every thread of its other work is taken."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from ingest.admin.watching import Watching
from ingest.settings import Settings

from tests.unit.loop import in_loop

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.serving import Request

ANSWERED_S = 10.0
NOBODY = "127.0.0.1:1"


@pytest.mark.parametrize(("path", "status"), [("/readyz", 503), ("/metrics", 200)])
@in_loop
async def test_a_probe_waits_for_no_other_work(tmp_path: Path, path: str, status: int) -> None:
    urls = {"database_url": f"postgresql://{NOBODY}/x", "valkey_url": f"redis://{NOBODY}"}
    watching = Watching(Settings.load(None, data_dir=tmp_path, **urls))
    (probe,) = (one for one in watching.routes if (one.method, one.path) == ("GET", path))
    replayed = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        replay = asyncio.get_running_loop().run_in_executor(None, replayed.wait)
        watching.start()
        try:
            async with asyncio.timeout(ANSWERED_S):
                answer = await probe.answer(cast("Request", SimpleNamespace()), {})
        finally:
            replayed.set()
            watching.stop()
            await replay
    assert answer.status_code == status
