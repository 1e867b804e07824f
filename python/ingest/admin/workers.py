"""Asks the workers on their private ports how they are and what they have counted."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT_S = 2.0


class Told(NamedTuple):
    """What one worker answered; status 0 when it did not."""

    url: str
    status: int
    text: str


class Workers:
    """All workers of this installation; asked side by side, so that one that hangs costs 2 s."""

    def __init__(self, urls: Sequence[str], edge_secret: str) -> None:
        self._urls = urls
        self._edge_secret = edge_secret

    def ask(self, path: str) -> list[Told]:
        """Get a path from each; never raises, blocks at most TIMEOUT_S."""
        if not self._urls:
            return []
        with ThreadPoolExecutor(len(self._urls)) as threads:
            return list(threads.map(lambda url: self._get(url, path), self._urls))

    def _get(self, url: str, path: str) -> Told:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
        try:
            connection.request("GET", path, headers={"X-Ingest-Edge": self._edge_secret})
            answer = connection.getresponse()
            return Told(url, answer.status, answer.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException) as error:
            return Told(url, 0, str(error))
        finally:
            connection.close()
