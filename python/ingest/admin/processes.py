"""Asks workers and consumers on their private ports how they are and what they have counted.

They are named by their place in the settings' lists: worker-0, worker-1, consumer-0.
"""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ingest.readout import Readout, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.settings import Settings

TIMEOUT_S = 2.0
OK_STATUS = 200


class Told(NamedTuple):
    """What one process answered; status 0 when it did not, and `text` says why."""

    process: str
    status: int
    text: bytes


class Processes:
    """All of this installation; asked side by side, so that one that hangs costs 2 s."""

    def __init__(self, settings: Settings) -> None:
        secret = settings.edge_secret
        self._edge_secret = secret.get_secret_value() if secret else ""
        self.urls = {
            f"{kind}-{index}": url
            for kind, urls in (
                ("worker", settings.worker_urls),
                ("consumer", settings.consumer_urls),
            )
            for index, url in enumerate(urls.split())
        }

    def readouts(self) -> dict[str, Readout | str]:
        """Read the numbers of each; a text says why there are none."""
        return {told.process: _readout(told) for told in self.ask("/-/metrics")}

    def ask(self, path: str) -> list[Told]:
        """Get a path from each; never raises, blocks at most TIMEOUT_S."""
        return self.ask_each(dict.fromkeys(self.urls, path))

    def ask_each(self, paths: Mapping[str, str]) -> list[Told]:
        """Get from each named process a path of its own; like `ask`."""
        if not paths:
            return []
        with ThreadPoolExecutor(len(paths)) as threads:
            return list(threads.map(self._get, paths, paths.values()))

    def _get(self, name: str, path: str) -> Told:
        connection = http.client.HTTPConnection(urlsplit(self.urls[name]).netloc, timeout=TIMEOUT_S)
        try:
            connection.request("GET", path, headers={"X-Ingest-Edge": self._edge_secret})
            answer = connection.getresponse()
            return Told(name, answer.status, answer.read())
        except (OSError, http.client.HTTPException) as error:
            return Told(name, 0, str(error).encode())
        finally:
            connection.close()


def _readout(told: Told) -> Readout | str:
    if told.status != OK_STATUS:
        return told.text.decode("utf-8", "replace") or "no answer"
    try:
        return decode(told.text)
    except ValueError as error:
        return str(error)
