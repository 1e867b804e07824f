"""The admin process: dashboard, health, metrics and projects, on loopback, always with a token.

Who may ask is `gate`'s to say.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

import orjson

from ingest import readout
from ingest.admin import exposition, health, static_files
from ingest.admin.dead_letters import DeadLetters
from ingest.admin.gate import Gate
from ingest.admin.heads import JSON
from ingest.admin.login import Login
from ingest.admin.processes import Processes
from ingest.admin.project_routes import project_routes
from ingest.admin.projects import Projects
from ingest.errors import SettingsError
from ingest.serving import Headers, Response, Route, serve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.serving import Request
    from ingest.settings import Settings

HOST = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost", "[::1]")
_TEXT = Headers({"Content-Type": exposition.CONTENT_TYPE})


def run(settings: Settings, host: str = HOST) -> NoReturn:
    """Serve on `settings.admin_port` until a signal ends the process."""
    serve(Admin(settings), host, settings.admin_port, settings.drain_timeout_s)


class Admin:
    """The service that `serving` runs."""

    def __init__(self, settings: Settings) -> None:
        if settings.admin_token is None or not (settings.database_url and settings.valkey_url):
            raise SettingsError("admin_token, database_url and valkey_url: admin needs all three")
        token = settings.admin_token.get_secret_value()
        hosts = {f"{name}:{settings.admin_port}" for name in NAMES}
        hosts |= set(settings.admin_hosts.split())
        self._login = Login(token, settings.admin_port)
        self._gate = Gate(hosts, token, self._login.cookie, self._login.sessions)
        self._database_url = settings.database_url
        self._valkey_url = settings.valkey_url
        self._processes = Processes(settings)
        self._projects = Projects(settings.database_url, settings.known_plans)
        self._is_draining = False

    @property
    def routes(self) -> Sequence[Route]:
        """All routes."""
        return [
            *static_files.routes(),
            *self._login.routes,
            *DeadLetters(self._database_url).routes,
            Route("GET", "/livez", self._livez),
            Route("GET", "/readyz", self._readyz),
            Route("GET", "/metrics", self._metrics),
            *project_routes(self._projects),
        ]

    def refuse(self, request: Request, headers: Mapping[str, str]) -> Response | None:
        """Refuse whom the gate does not let in."""
        return self._gate.refuse(request, headers)

    async def start(self) -> None:
        """Need nothing: every part is asked when somebody wants to know."""

    def is_ready(self) -> bool:
        """Tell that it serves, whatever it has to say about the other parts."""
        return True

    def drain(self) -> None:
        """Tell from now on that this process is stopping."""
        self._is_draining = True

    async def stop(self) -> None:
        """End nothing: nothing goes on between requests."""

    async def _livez(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        return Response(200, JSON, b'{"status":"ok"}')

    async def _readyz(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        database, stream, processes = await asyncio.gather(
            asyncio.to_thread(health.database, self._database_url),
            asyncio.to_thread(health.stream, self._valkey_url),
            asyncio.to_thread(health.of_processes, self._processes),
        )
        parts = [database, stream, *processes]
        if self._is_draining:
            parts.append(health.Part("admin", "stopping"))
        is_ready = not any(part.reason for part in parts)
        told = {
            "status": "ok" if is_ready else "not ready",
            "parts": [part._asdict() for part in parts],
        }
        return Response(200 if is_ready else 503, JSON, orjson.dumps(told))

    async def _metrics(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        told = await asyncio.to_thread(self._processes.readouts)
        readouts = {name: one for name, one in told.items() if one is not None}
        return Response(200, _TEXT, exposition.render({"admin": readout.own()} | readouts, []))
