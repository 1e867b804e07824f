"""A worker that does nothing: `python -m bench.limits.hollow PORT` answers each event route.

It serves as the product's workers do, so what it costs is Robyn, the loop and the edge.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ingest.serving import Response, Route, serve

from bench.bodies import BATCH, SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.serving import Request

ANSWER = Response(202, {"Content-Type": "application/json"}, b'{"status":"accepted"}')


class Hollow:
    """See `ingest.serving.Service`."""

    @property
    def routes(self) -> Sequence[Route]:
        """The two routes that loads are sent to."""
        return [Route("POST", path, self._answer) for path in (SINGLE, BATCH)]

    def refuse(self, _request: Request, headers: Mapping[str, str]) -> Response | None:
        """Let everybody in."""

    async def start(self) -> None:
        """Need nothing."""

    def is_ready(self) -> bool:
        """Be ready at once."""
        return True

    def drain(self) -> None:
        """Owe nothing."""

    async def stop(self) -> None:
        """End."""

    async def _answer(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        return ANSWER


if __name__ == "__main__":
    serve(Hollow(), "127.0.0.1", int(sys.argv[1]), 1.0)
