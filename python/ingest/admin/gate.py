"""Who may ask the admin process: nobody by a foreign name, from a foreign page or without a secret.

The secret is the token as a bearer, or the cookie of a session that the token began. The login page
and the files that pages are made of are open to all; they tell nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.admin import origin
from ingest.serving import Response, problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.admin.bearers import Bearers
    from ingest.admin.callers import Callers
    from ingest.admin.cookie import Cookie
    from ingest.admin.tickets import Tickets
    from ingest.serving import Request

PAGE, LOGIN_PAGE = "/", "/login"
SESSION = "/api/v1/session"
STATIC = "/static/"
OPEN = {("GET", LOGIN_PAGE), ("HEAD", LOGIN_PAGE), ("POST", SESSION)}
READS = ("GET", "HEAD")


class Gate:
    """Lets a request in or gives the answer that refuses it."""

    def __init__(
        self,
        hosts: set[str],
        callers: Callers,
        bearers: Bearers,
        cookie: Cookie,
        sessions: Tickets,
    ) -> None:
        self._hosts = hosts
        self._callers = callers
        self._bearers = bearers
        self._cookie = cookie
        self._sessions = sessions

    def refuse(self, request: Request, headers: Mapping[str, str]) -> Response | None:
        """Give the refusal; None lets the request in."""
        if headers.get("host") not in self._hosts:
            return problem("forbidden", "the admin process is not known by this host's name")
        method, path = request.method, request.url.path
        if origin.is_foreign(method, headers):
            return problem("forbidden", "a page of another origin may not ask this")
        if (method, path) in OPEN or (method in READS and path.startswith(STATIC)):
            return None
        given = headers.get("authorization")
        if given is not None:
            return self._bearers.refuse(given, self._callers.address(headers))
        return self._refuse_browser(method, path, headers)

    def _refuse_browser(
        self, method: str, path: str, headers: Mapping[str, str]
    ) -> Response | None:
        if not self._sessions.holds(self._cookie.read(headers.get("cookie", ""))):
            return _ask_to_log_in(path, headers)
        if method not in READS and not origin.is_own(headers):
            return problem("forbidden", "with a cookie, only a page from here may change anything")
        return None


def _ask_to_log_in(path: str, headers: Mapping[str, str]) -> Response:
    if path == PAGE and "text/html" in headers.get("accept", ""):
        return Response(303, {"Location": LOGIN_PAGE, "Cache-Control": "no-store"}, "")
    return problem("unauthorized", "the admin token is needed", WWW_Authenticate="Bearer")
