"""A service small enough to see what `serving` itself does; run as a process by its test."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from ingest import log
from ingest.admin.live import Hub
from ingest.serving import Headers, Request, Response, Route, Stream, problem, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "let me in"


class Sleeper:
    """Answers after as many seconds as it is asked to."""

    refusal = problem("forbidden")

    def __init__(self) -> None:
        """Have some routes."""
        self._hub = Hub()
        self.routes = (
            Route("GET", "/hear", self._hear),
            Route("POST", "/tell", self._tell),
            Route("POST", "/refuse", self._refuse),
            Route("GET", "/sleep", self._sleep),
            Route("POST", "/echo", self._echo),
            Route("POST", "/fail", self._fail),
        )

    def refuse(self, _request: Request, headers: Mapping[str, str]) -> Response | None:
        """Let in who knows the secret."""
        return None if headers.get("x-secret") == SECRET else self.refusal

    async def start(self) -> None:
        """Need nothing."""

    def is_ready(self) -> bool:
        """Be ready at once."""
        return True

    def drain(self) -> None:
        """Do nothing about it."""

    async def stop(self) -> None:
        """Say that it was asked to."""
        print("stopped by request", flush=True)  # noqa: T201

    async def _sleep(self, _request: Request, headers: Mapping[str, str]) -> Response:
        await asyncio.sleep(float(headers["x-seconds"]))
        return Response(200, {}, "slept")

    async def _echo(self, request: Request, _headers: Mapping[str, str]) -> Response:
        return Response(200, {}, request.body)

    async def _hear(self, _request: Request, _headers: Mapping[str, str]) -> Stream:
        return Stream(self._hub.watch({"news"}), Headers({"Content-Type": "text/event-stream"}))

    async def _tell(self, request: Request, _headers: Mapping[str, str]) -> Response:
        self._hub.publish("news", request.body)
        return Response(200, {}, "told")

    async def _refuse(self, _request: Request, headers: Mapping[str, str]) -> Response:
        return problem(headers["x-code"])

    async def _fail(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        raise RuntimeError("on purpose")


if __name__ == "__main__":
    log.configure("info", "json")
    serve(Sleeper(), "127.0.0.1", int(sys.argv[1]), float(sys.argv[2]))
