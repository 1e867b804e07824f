"""Publishes events as they are appended to the stream, a sample of them, while somebody watches.

A message: `{"events": [...]}`. How many events passed meanwhile is the refusal feed's to tell,
which asks the workers anyway.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ingest import log
from ingest.errors import IngestError
from ingest.store import projects, session
from ingest.stream.follow import Follower

if TYPE_CHECKING:
    from ingest._native import Row
    from ingest.admin.audience import Audience
    from ingest.settings import Settings

TOPIC = "events"
# How soon it is noticed that somebody began to watch, or that nobody does any more.
IDLE_S = 0.3
BLOCK_MS = 500
AFTER_FAULT_S = 2.0
# Of an event's properties; the whole event is in the table a moment later.
PROPERTIES_CHARACTERS = 1000
NAMES_AGAIN_S = 10.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_log = log.get(__name__)


class EventFeed:
    """One thread, with a connection to Valkey of its own while it is needed."""

    def __init__(self, settings: Settings, hub: Audience) -> None:
        self._url = settings.valkey_url or ""
        self._shards = settings.shards
        self._names = ProjectNames(settings.database_url or "")
        self._hub = hub
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event feed", daemon=True)

    def start(self) -> None:
        """Begin to look whether somebody watches."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; what it waits for is let go of with the process."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(IDLE_S):
            if not self._hub.is_watched(TOPIC):
                continue
            try:
                self._follow()
            except IngestError as error:
                _log.warning("events can't be followed", error=str(error))
                self._stop.wait(AFTER_FAULT_S)

    def _follow(self) -> None:
        follower = Follower(self._url, self._shards)
        try:
            while self._hub.is_watched(TOPIC) and not self._stop.is_set():
                rows = follower.read(BLOCK_MS, self._stop.wait)
                if rows:
                    self._hub.publish(TOPIC, {"events": list(map(self._as_json, rows))})
        finally:
            follower.close()

    def _as_json(self, row: Row) -> dict[str, Any]:
        project_id = UUID(bytes=row.project_id)
        properties = row.properties
        return {
            "event_id": str(UUID(bytes=row.event_id)),
            "project_id": str(project_id),
            "project": self._names.find(project_id),
            "event_type": row.event_type,
            "timestamp": _time(row.timestamp_us),
            "received_at": _time(row.received_at_us),
            "user_id": row.user_id,
            "session_id": row.session_id,
            "properties": properties[:PROPERTIES_CHARACTERS],
            "is_cut": len(properties) > PROPERTIES_CHARACTERS,
        }


class ProjectNames:
    """Names of projects, asked for again when an unknown one comes, but not often."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._names: dict[UUID, str] = {}
        self._asked_at = float("-inf")

    def find(self, project_id: UUID) -> str | None:
        """Give a project's name; None while PostgreSQL has none or is away."""
        now = time.monotonic()
        if project_id not in self._names and now - self._asked_at > NAMES_AGAIN_S:
            self._asked_at = now
            try:
                with session.connect(self._dsn, "ingest admin") as connection:
                    self._names = projects.names(connection)
            except IngestError as error:
                _log.warning("projects can't be named", error=str(error))
        return self._names.get(project_id)


def _time(microseconds: int) -> str:
    return (EPOCH + timedelta(microseconds=microseconds)).isoformat()
