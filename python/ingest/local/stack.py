"""What a stack is made of: which processes, in which order, with which credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest import listener
from ingest.local.credentials import Credentials
from ingest.local.edge import Edge
from ingest.local.postgres import WORKER, EmbeddedPostgres
from ingest.local.run_file import RunFile
from ingest.local.service import Consumer, Service, Worker
from ingest.local.valkey import EmbeddedValkey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import SecretStr

    from ingest.local.data_dir import DataDir
    from ingest.local.process import Process
    from ingest.settings import Settings

ADMIN_HOST = listener.LOOPBACK


@dataclass(frozen=True)
class Stage:
    """Processes that start together when all before them are ready, and a step after them."""

    title: str
    processes: Sequence[Process]
    afterwards: Callable[[], None] = field(default=lambda: None)


class Stack:
    """All parts of one data directory; servers whose URLs are given are not among them."""

    def __init__(self, settings: Settings, home: DataDir) -> None:
        """Choose ports and make what is to be started; nothing runs yet."""
        self.settings = settings
        self.home = home
        self.api_key = ""
        opens = None if settings.database_url else home.servers / "postgres"
        self._credentials = Credentials.keep(home.credentials_file, opens)
        self._edge_secret = _secret(settings.edge_secret, self._credentials.edge_secret)
        self._admin_token = _secret(settings.admin_token, self._credentials.admin_token)
        self._reserved = [
            listener.Reservation() for _ in range(settings.workers + settings.consumers)
        ]
        free = [reserved.port for reserved in self._reserved]
        self.postgres = self._make_postgres()
        self.valkey = self._make_valkey()
        self.workers = [self._make_worker(*at) for at in enumerate(free[: settings.workers])]
        self.consumers = [self._make_consumer(*at) for at in enumerate(free[settings.workers :])]
        self.admin = self._make_admin()
        self.edge = Edge(
            home, settings, self._edge_secret, [worker.port for worker in self.workers]
        )

    def stages(self) -> list[Stage]:
        """Order the start: each stage needs those before it."""
        servers = [Stage("PostgreSQL", _present(self.postgres), self._make_tables)]
        servers.append(Stage("Valkey", _present(self.valkey)))
        return [
            *servers,
            Stage("consumers", self.consumers),
            Stage("workers", self.workers),
            Stage("admin", [self.admin]),
            Stage("edge", [self.edge], self._keep_key),
        ]

    def stop_order(self) -> list[Sequence[Process]]:
        """Order the stop, after the edge lets nothing in: who feeds others goes first."""
        return [
            self.workers,
            self.consumers,
            [self.admin],
            [self.edge],
            _present(self.valkey),
            _present(self.postgres),
        ]

    def run_file(self, version: str) -> RunFile:
        """Describe the running stack; its processes must be running."""
        processes = [process for stage in self.stages() for process in stage.processes]
        return RunFile(
            url=self.edge.url,
            admin_url=f"http://{ADMIN_HOST}:{self.settings.admin_port}",
            admin_token=self._admin_token,
            api_key=self.api_key,
            dsn=self._database_url,
            valkey_url=self.valkey.url if self.valkey else _given(self.settings.valkey_url),
            version=version,
            pids={process.name: process.pid for process in processes if process.pid is not None},
        )

    @property
    def _database_url(self) -> str:
        return self.postgres.dsn if self.postgres else _given(self.settings.database_url)

    @property
    def _worker_database_url(self) -> str:
        if self.postgres is not None:
            return self.postgres.worker_dsn
        return self.settings.worker_database_url or self._database_url

    def _make_postgres(self) -> EmbeddedPostgres | None:
        if self.settings.database_url is not None:
            return None
        return EmbeddedPostgres(self.home, self._credentials)

    def _make_valkey(self) -> EmbeddedValkey | None:
        if self.settings.valkey_url is not None:
            return None
        return EmbeddedValkey(self.home, self._credentials, self.settings.valkey_max_bytes)

    def _make_consumer(self, index: int, port: int) -> Consumer:
        return Consumer(
            index,
            port,
            self.home,
            self.settings,
            database_url=self._database_url,
            worker_database_url=None,
            valkey_url=self._consumer_valkey_url,
            edge_secret=self._edge_secret,
        )

    def _make_worker(self, index: int, port: int) -> Worker:
        return Worker(
            index,
            port,
            self.home,
            self.settings,
            database_url=self._worker_database_url,
            worker_database_url=self._worker_database_url,
            valkey_url=self.valkey.worker_url if self.valkey else self.settings.valkey_url,
            edge_secret=self._edge_secret,
        )

    def _make_admin(self) -> Service:
        return Service(
            "admin",
            self.home,
            self.settings,
            ("admin",),
            database_url=self._database_url,
            worker_database_url=None,
            valkey_url=self._consumer_valkey_url,
            admin_token=self._admin_token,
            edge_secret=self._edge_secret,
            worker_urls=" ".join(f"http://{ADMIN_HOST}:{one.port}" for one in self.workers),
            consumer_urls=" ".join(f"http://{ADMIN_HOST}:{one.port}" for one in self.consumers),
        )

    @property
    def _consumer_valkey_url(self) -> str | None:
        return self.valkey.consumer_url if self.valkey else self.settings.valkey_url

    def _make_tables(self) -> None:
        # The store is imported when a server answers, not for --help.
        from ingest.local import first_key  # noqa: PLC0415
        from ingest.store.migrations import migrate  # noqa: PLC0415

        first_key.read(self.home.key_file)
        migrate(self._database_url, WORKER)

    def _keep_key(self) -> None:
        from ingest.local import first_key  # noqa: PLC0415 - for the same reason

        self.api_key = first_key.keep(self._database_url, self.home.key_file)


def _present(process: Process | None) -> list[Process]:
    return [] if process is None else [process]


def _given(url: str | None) -> str:
    return url or ""


def _secret(given: SecretStr | None, kept: str) -> str:
    return kept if given is None else given.get_secret_value()
