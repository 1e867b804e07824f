"""PostgreSQL and Valkey beside the system under test, each behind a link that can be disturbed."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from ingest.local.data_dir import DataDir
from ingest.local.postgres import EmbeddedPostgres
from ingest.local.valkey import EmbeddedValkey

from bench.crash.link import Link

if TYPE_CHECKING:
    from pathlib import Path

    from bench.crash.progress import Line

START_S = 60.0
POSTGRES_SOCKET = ".s.PGSQL.5432"


class Servers:
    """Both servers; a context that ends them. `environment` tells `ingest up` to use them."""

    def __init__(self, home: Path) -> None:
        self._home = DataDir(home / "servers")
        self._postgres = EmbeddedPostgres(self._home)
        self._valkey = EmbeddedValkey(self._home)
        self._opened = ExitStack()
        self.links: dict[str, Link] = {}
        #: What servers that were replaced had counted as accepted.
        self.carried: Counter[Line] = Counter()

    def __enter__(self) -> Self:
        """Start the servers, then their links."""
        with ExitStack() as opened:
            for server in (self._postgres, self._valkey):
                server.prepare()
                server.start()
                opened.callback(server.stop)
                server.wait_ready(START_S)
            sockets = self._home.socket_dir()
            targets = {"PostgreSQL": sockets / POSTGRES_SOCKET, "Valkey": self._valkey.socket}
            for name, target in targets.items():
                self.links[name] = Link(target)
                opened.callback(self.links[name].close)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        """End the links, then the servers."""
        self._opened.close()

    def replace_valkey(self) -> None:
        """Put an empty server in the place of Valkey."""
        self._valkey.stop()
        shutil.rmtree(self._home.server_dir("valkey"))
        self._valkey.prepare()
        self._valkey.start()
        self._valkey.wait_ready(START_S)

    @property
    def environment(self) -> dict[str, str]:
        """Give the settings of `ingest up`."""
        postgres, valkey = self.links["PostgreSQL"].port, self.links["Valkey"].port
        user = urlsplit(self._postgres.dsn)
        operator = urlsplit(self._valkey.url)
        return {
            "INGEST_DATABASE_URL": f"postgresql://{user.username}:{user.password}"
            f"@127.0.0.1:{postgres}{user.path}?sslmode=disable",
            "INGEST_VALKEY_URL": f"redis://{operator.username}:{operator.password}"
            f"@127.0.0.1:{valkey}",
        }
