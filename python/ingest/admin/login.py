"""Sessions of the dashboard: begun by the token or by a code that holds once, ended by a person.

A code is what the link holds that `ingest up` prints. It stands behind the link's #, which no
browser sends to a server; the login page reads it there and posts it.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import orjson

from ingest import log
from ingest.admin import heads, origin
from ingest.admin.answers import json_fields
from ingest.admin.attempts import Attempts
from ingest.admin.cookie import Cookie
from ingest.admin.gate import SESSION
from ingest.admin.tickets import Tickets
from ingest.media import Refusal
from ingest.serving import Headers, Response, Route, problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.serving import Request

CODE = "/api/v1/login-code"
# A working day; then the browser asks for a new link.
SESSION_S = 12 * 3600
MAX_SESSIONS = 100
# From a terminal to a browser.
CODE_S = 300
MAX_CODES = 20


class Login:
    """The routes that begin and end sessions, and the sessions."""

    def __init__(self, token: str, port: int) -> None:
        self._token = token.encode()
        self.cookie = Cookie(port, SESSION_S)
        self.sessions = Tickets(SESSION_S, MAX_SESSIONS)
        self._codes = Tickets(CODE_S, MAX_CODES)
        self._attempts = Attempts()

    @property
    def routes(self) -> list[Route]:
        """All routes."""
        return [
            Route("POST", SESSION, self._begin),
            Route("DELETE", SESSION, self._end),
            Route("POST", CODE, self._code),
        ]

    async def _begin(self, request: Request, headers: Mapping[str, str]) -> Response:
        wait_s = self._attempts.wait_s()
        if wait_s:
            return problem("too_many_attempts", Retry_After=str(wait_s))
        try:
            is_known = self._is_known(json_fields(headers, request.body))
        except Refusal as refusal:
            return problem(refusal.code)
        if not is_known:
            self._attempts.fail()
            log.get(__name__).warning("a login was refused")
            return problem("forbidden", "this token or link does not hold, or no longer")
        cookie = self.cookie.write(self.sessions.issue(), origin.is_encrypted(headers))
        log.get(__name__).info("a session began")
        return Response(204, Headers({"Set-Cookie": cookie, "Cache-Control": "no-store"}), "")

    def _is_known(self, fields: dict[str, object]) -> bool:
        token, code = fields.get("token"), fields.get("code")
        if isinstance(token, str):
            return hmac.compare_digest(token.encode("utf-8", "replace"), self._token)
        if isinstance(code, str):
            return self._codes.take(code)
        raise Refusal("invalid_request")

    async def _end(self, _request: Request, headers: Mapping[str, str]) -> Response:
        self.sessions.take(self.cookie.read(headers.get("cookie", "")))
        gone = {"Set-Cookie": self.cookie.clear(), "Cache-Control": "no-store"}
        return Response(204, Headers(gone), "")

    async def _code(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        told = {"code": self._codes.issue(), "lifetime_s": CODE_S}
        return Response(200, heads.JSON, orjson.dumps(told))
