"""The admin process: dashboard, health, metrics and projects, on loopback, always with a token.

Who may ask is `gate`'s to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ingest import listener, log
from ingest.admin import static_files
from ingest.admin.bearers import Bearers
from ingest.admin.callers import Callers
from ingest.admin.dead_letters import DeadLetters
from ingest.admin.edge_refusals import EdgeRefusals
from ingest.admin.event_feed import EventFeed
from ingest.admin.gate import Gate
from ingest.admin.login import Login
from ingest.admin.processes import Processes
from ingest.admin.project_routes import Making, project_routes
from ingest.admin.projects import Projects
from ingest.admin.refusal_feed import RefusalFeed
from ingest.admin.watching import Watching
from ingest.errors import SettingsError
from ingest.front import Front
from ingest.serving import Response, Route, serve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.serving import Request
    from ingest.settings import Settings

HOST = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost", "[::1]")


def run(settings: Settings, host: str = HOST) -> NoReturn:
    """Serve on `settings.admin_port` until a signal ends the process."""
    outside = (host, settings.admin_port)
    listener.check_free(*outside)
    inside = listener.Reservation()  # of a port that nobody needs to know
    service = Admin(settings, outside, (HOST, inside.port))
    serve(service, HOST, inside.port, settings.drain_timeout_s)


class Admin:
    """The service that `serving` runs."""

    def __init__(
        self, settings: Settings, outside: tuple[str, int], inside: tuple[str, int]
    ) -> None:
        if settings.admin_token is None or not (settings.database_url and settings.valkey_url):
            raise SettingsError("admin_token, database_url and valkey_url: admin needs all three")
        self._outside = outside
        token = settings.admin_token.get_secret_value()
        hosts = {f"{name}:{settings.admin_port}" for name in NAMES}
        hosts |= set(settings.admin_hosts.split())
        self._login = Login(token, settings.admin_port)
        secret = settings.edge_secret.get_secret_value() if settings.edge_secret else ""
        callers = Callers(secret)
        self._gate = Gate(hosts, callers, Bearers(token), self._login.cookie, self._login.sessions)
        self._database_url = settings.database_url
        refused_by_edge = EdgeRefusals(secret, *outside)
        self._watching = Watching(settings, lambda: refused_by_edge.warning)
        self._front = Front(inside, self._watching.left)
        hub = self._watching.hub
        self._projects = Projects(settings.database_url, settings.known_plans)
        self._making = Making(settings.projects_per_minute, callers)
        self._feeds = (
            EventFeed(settings, hub),
            RefusalFeed(Processes(settings), hub),
            refused_by_edge,
        )

    @property
    def routes(self) -> Sequence[Route]:
        """All routes."""
        return [
            *static_files.routes(),
            *self._login.routes,
            *DeadLetters(self._database_url).routes,
            *self._watching.routes,
            *project_routes(self._projects, self._making),
        ]

    def refuse(self, request: Request, headers: Mapping[str, str]) -> Response | None:
        """Refuse whom the gate does not let in."""
        return self._gate.refuse(request, headers)

    async def start(self) -> None:
        """Let callers in and begin to look at the other processes."""
        await self._front.listen(*self._outside)
        log.get(__name__).info(
            "listening for callers", host=self._outside[0], port=self._outside[1]
        )
        self._watching.start()
        for feed in self._feeds:
            feed.start()

    def is_ready(self) -> bool:
        """Tell that it serves, whatever it has to say about the other parts."""
        return True

    def drain(self) -> None:
        """Tell from now on that this process is stopping."""
        self._watching.drain()

    async def stop(self) -> None:
        """End what `start` began."""
        self._front.close()
        for feed in self._feeds:
            feed.stop()
        self._watching.stop()
