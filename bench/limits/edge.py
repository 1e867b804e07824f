"""The limit of taking requests: two workers that do nothing, behind the edge."""

from __future__ import annotations

import http.client
import os
import sys
from typing import TYPE_CHECKING

from ingest.listener import LOOPBACK
from ingest.local.data_dir import DataDir
from ingest.local.edge import Edge
from ingest.local.process import Command, Process
from ingest.settings import Settings
from ingest.store.keys import generate

from bench import usage
from bench.generator import Generator, Load
from bench.machine import ROOT
from bench.system import free_ports

if TYPE_CHECKING:
    from pathlib import Path

WORKERS = 2
CONNECTIONS = 64
START_S = 60.0


def measure(directory: Path, bodies: dict[str, Path], seconds: float) -> dict[str, float]:
    """Drive each kind of request in a closed loop; CPU counts edge and workers."""
    home = DataDir(directory / "hollow")
    port, admin_port, *ports = free_ports(2 + WORKERS)
    settings = Settings.load(data_dir=home.path, port=port, admin_port=admin_port)
    workers: list[Process] = [_Hollow(home, index, at) for index, at in enumerate(ports)]
    started: list[Process] = []
    try:
        for process in (*workers, Edge(home, settings, "hollow", ports)):
            process.prepare()
            process.start()
            started.append(process)
            process.wait_ready(START_S)
        pids = {one.name: one.pid for one in started if one.pid is not None}
        return {
            name: value
            for kind, path in bodies.items()
            for name, value in _driven(kind, Load(path, seconds, CONNECTIONS), port, pids).items()
        }
    finally:
        for process in reversed(started):
            process.stop(5.0)


def _driven(kind: str, load: Load, port: int, pids: dict[str, int]) -> dict[str, float]:
    heads, ids = load.bodies.with_name("hollow.heads"), load.bodies.with_name("hollow.ids")
    heads.write_text(f"X-Api-Key: {generate('bench')}\n")
    before = usage.cpu_s(pids)
    drive = Generator.start(load, f"http://{LOOPBACK}:{port}", heads, ids).wait()
    after = usage.cpu_s(pids)
    requests = drive.total["accepted"]
    if drive.total["sent"] != requests:
        raise RuntimeError(f"a worker that does nothing refused: {drive.raw['statuses']}")
    spent = {name: 1e6 * (after[name] - before[name]) / requests for name in pids}
    return {
        f"{kind}_requests_s": drive.requests_s,
        f"{kind}_p50_ms": drive.latency_ms("p50"),
        f"{kind}_edge_cpu_us": spent["edge"],
        f"{kind}_workers_cpu_us": sum(spent.values()) - spent["edge"],
    }


class _Hollow(Process):
    def __init__(self, home: DataDir, index: int, port: int) -> None:
        super().__init__(f"hollow-{index}", home)
        self._port = port

    def prepare(self) -> None:
        """Make the directory of its log."""
        self.home.prepare()

    def command(self) -> Command:
        """Run the module."""
        argv = [sys.executable, "-m", "bench.limits.hollow", str(self._port)]
        return Command(argv, ROOT, dict(os.environ))

    def is_ready(self) -> bool:
        """Ask for anything: it answers 404."""
        try:
            connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=1.0)
            connection.request("GET", "/")
            return connection.getresponse().status == http.HTTPStatus.NOT_FOUND
        except OSError:
            return False
