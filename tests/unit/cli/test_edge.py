"""`ingest edge`: becomes nginx for the workers that the settings name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from ingest.cli.edge import worker_ports
from ingest.errors import SettingsError
from ingest.settings import Settings

from tests.running import INGEST, NO_TLS, free_port, until

if TYPE_CHECKING:
    from pathlib import Path

KEY = "wk_test_" + "a" * 43


def test_it_is_nginx_in_front_of_the_workers(base: Path) -> None:
    port, worker = free_port(), free_port()
    env = os.environ | {
        "INGEST_EDGE_SECRET": "s3cret-of-the-edge",
        "INGEST_WORKER_URLS": f"http://127.0.0.1:{worker}",
        "INGEST_PORT": str(port),
    }
    command = [*INGEST, "edge", "--data", str(base / "edge")]
    process = subprocess.Popen(command, env=env)
    try:
        until(lambda: code(port) == "worker_unreachable", 30, "the edge")
        if sys.platform == "linux":
            assert os.sched_getscheduler(process.pid) == os.SCHED_BATCH
        process.send_signal(signal.SIGHUP)
        until(lambda: code(port) == "worker_unreachable", 30, "the edge, reloaded")
        process.send_signal(signal.SIGQUIT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def code(port: int) -> str:
    try:
        told = httpx.post(
            f"http://127.0.0.1:{port}/v1/events",
            content=b"{}",
            headers={"X-Api-Key": KEY},
            verify=NO_TLS,
        )
    except httpx.HTTPError:
        return ""
    return str(told.json()["code"])


@pytest.mark.parametrize(
    "urls", ["", "http://10.0.0.1:1", "http://127.0.0.1", "http://127.0.0.1:1 http://other:2"]
)
def test_workers_are_on_this_machine(urls: str) -> None:
    with pytest.raises(SettingsError, match="worker_urls"):
        worker_ports(Settings(worker_urls=urls))


def test_each_worker_has_its_port() -> None:
    assert worker_ports(Settings(worker_urls="http://127.0.0.1:1 http://127.0.0.1:2")) == [1, 2]
