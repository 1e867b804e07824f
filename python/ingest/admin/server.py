"""The admin process: health, metrics and projects, on loopback, always with a token.

A page in a browser can't use it: a request must carry the token and name a host that is on the
list, which a name that somebody points at 127.0.0.1 is not.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, NoReturn

import orjson

from ingest import readout
from ingest.admin import exposition, health
from ingest.admin.processes import Processes
from ingest.admin.project_routes import project_routes
from ingest.admin.projects import Projects
from ingest.errors import SettingsError
from ingest.serving import Headers, Response, Route, problem, serve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.serving import Request
    from ingest.settings import Settings

HOST = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost", "[::1]")
BEARER = "Bearer "
_JSON = Headers({"Content-Type": "application/json", "Cache-Control": "no-store"})
_TEXT = Headers({"Content-Type": exposition.CONTENT_TYPE})


def run(settings: Settings, host: str = HOST) -> NoReturn:
    """Serve on `settings.admin_port` until a signal ends the process."""
    serve(Admin(settings), host, settings.admin_port, settings.drain_timeout_s)


class Admin:
    """The service that `serving` runs."""

    def __init__(self, settings: Settings) -> None:
        if settings.admin_token is None or not (settings.database_url and settings.valkey_url):
            raise SettingsError("admin_token, database_url and valkey_url: admin needs all three")
        self._authorization = BEARER + settings.admin_token.get_secret_value()
        self._hosts = {f"{name}:{settings.admin_port}" for name in NAMES}
        self._hosts |= set(settings.admin_hosts.split())
        self._database_url = settings.database_url
        self._valkey_url = settings.valkey_url
        self._processes = Processes(settings)
        self._projects = Projects(settings.database_url, settings.known_plans)
        self._is_draining = False

    @property
    def routes(self) -> Sequence[Route]:
        """All routes; each needs the token."""
        return [
            Route("GET", "/livez", self._livez),
            Route("GET", "/readyz", self._readyz),
            Route("GET", "/metrics", self._metrics),
            *project_routes(self._projects),
        ]

    def refuse(self, headers: Mapping[str, str]) -> Response | None:
        """Let in who names a host of the list and brings the token."""
        if headers.get("host") not in self._hosts:
            return problem("forbidden")
        given = headers.get("authorization")
        if given is None:
            return problem("unauthorized", "the admin token is needed", WWW_Authenticate="Bearer")
        is_allowed = hmac.compare_digest(given.encode(), self._authorization.encode())
        return None if is_allowed else problem("forbidden")

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
        return Response(200, _JSON, b'{"status":"ok"}')

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
        return Response(200 if is_ready else 503, _JSON, orjson.dumps(told))

    async def _metrics(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        told = await asyncio.to_thread(self._processes.readouts)
        readouts = {name: one for name, one in told.items() if one is not None}
        return Response(200, _TEXT, exposition.render({"admin": readout.own()} | readouts, []))
