"""Asks the admin process: of what runs on the data directory, or at an address with the token set.

No proxy of the environment is used: the token is for the admin process alone.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit

from ingest.cli import servers
from ingest.errors import NeedsPerson, Retryable, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.settings import Settings

# Longer than admin itself waits for a server that is frozen.
TIMEOUT_S = 10.0
# The stream sends a comment at least every 10 s; a silence of this length is a lost connection.
SILENCE_S = 30.0
OK_STATUS, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 200, 401, 403, 404


class Message(NamedTuple):
    """One of the stream's messages."""

    topic: str
    body: Any


class _NotFoundError(NeedsPerson):
    """Admin does not know a path, or what it names."""


@dataclass(frozen=True)
class AdminClient:
    """Where the admin process is. Retryable when it is away, NeedsPerson when it refuses."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def of(cls, settings: Settings, url: str | None = None) -> Self:
        """Take a given address with the settings' token, else both from run.json."""
        if url is None:
            run_file = servers.running(settings)
            return cls(run_file.admin_url, run_file.admin_token)
        if settings.admin_token is None:
            raise SettingsError("admin_token: --admin-url needs it (INGEST_ADMIN_TOKEN)")
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise SettingsError(f"--admin-url: {url!r} is no http:// or https:// address")
        return cls(url.rstrip("/"), settings.admin_token.get_secret_value())

    def get(self, path: str) -> bytes:
        """Get a path."""
        return self._read("GET", path)

    def post(self, path: str) -> bytes:
        """Post nothing to a path."""
        return self._read("POST", path)

    def json(self, path: str) -> Any:
        """Get a path that answers JSON."""
        return json.loads(self.get(path))

    def find(self, path: str) -> Any | None:
        """Get a path that answers JSON; None when what it names is not there."""
        try:
            return self.json(path)
        except _NotFoundError:
            return None

    def stream(self, path: str) -> Iterator[Message]:
        """Read a stream of server-sent events until it ends, which is Retryable, too.

        The first message has no topic: it says that the stream is there.
        """
        connection = self._connection(SILENCE_S)
        try:
            answer = self._ask(connection, path)
            yield Message("", None)
            yield from _messages(answer)
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from error
        finally:
            connection.close()
        raise Retryable(f"admin at {self.url} has ended the stream")

    def _read(self, method: str, path: str) -> bytes:
        connection = self._connection(TIMEOUT_S)
        try:
            return self._ask(connection, path, method).read()
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from error
        finally:
            connection.close()

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else None
        return (kind or http.client.HTTPConnection)(parts.netloc, timeout=timeout_s)

    def _ask(
        self, connection: http.client.HTTPConnection, path: str, method: str = "GET"
    ) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.request(method, urlsplit(self.url).path + path, headers=headers)
        answer = connection.getresponse()
        if answer.status in {UNAUTHORIZED, FORBIDDEN}:
            raise NeedsPerson(f"admin at {self.url} refuses: is the token, and the name, its own?")
        if answer.status == NOT_FOUND:
            raise _NotFoundError(
                f"admin at {self.url} does not know {path}: is it another version?"
            )
        if answer.status != OK_STATUS:
            raise Retryable(f"admin at {self.url} answers {answer.status}")
        return answer

    def _away(self, error: Exception) -> Retryable:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Retryable(f"admin at {self.url} can't be reached: {why}")


def _messages(answer: http.client.HTTPResponse) -> Iterator[Message]:
    """Take the stream's lines apart; comments and what is not of ours is passed over.

    Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    topic, data = "", ""
    for raw in answer:
        name, _, value = raw.decode("utf-8", "replace").rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            topic = value
        elif name == "data":
            data += value
        elif not name and not value and data:
            yield Message(topic, json.loads(data))
            topic, data = "", ""
