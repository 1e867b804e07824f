"""`ingest edge`: the edge alone, for systemd; `ingest up` runs its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ingest import scheduling
from ingest.cli import options
from ingest.errors import SettingsError

if TYPE_CHECKING:
    from ingest.settings import Settings

HOST = "127.0.0.1"


def edge(data: options.Data = None, config: options.Config = None) -> None:
    """Run the edge alone; SIGHUP reads certificates again."""
    scheduling.let_others_run()
    settings = options.load(config, data_dir=data)
    from ingest.local.data_dir import DataDir
    from ingest.local.edge import Edge

    if settings.edge_secret is None:
        raise SettingsError("edge_secret: the edge sends it to the workers")
    home = DataDir(settings.data_dir, settings.run_user)
    one = Edge(home, settings, settings.edge_secret.get_secret_value(), worker_ports(settings))
    one.prepare()
    command = one.command()
    os.chdir(command.cwd)
    os.execve(command.argv[0], command.argv, command.env)  # noqa: S606 - no shell is wanted


def worker_ports(settings: Settings) -> list[int]:
    """Give the ports of worker_urls, which must be on this machine; SettingsError otherwise."""
    urls = [urlsplit(url) for url in settings.worker_urls.split()]
    if not urls or any(url.hostname != HOST or not url.port for url in urls):
        raise SettingsError(f"worker_urls: the edge needs some, each http://{HOST}:<port>")
    return [url.port for url in urls if url.port]
