"""The API worker as a process: what it is made of, and the routes beside those for events."""

from __future__ import annotations

import hmac
import secrets
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import orjson

from ingest import metrics, readout
from ingest._native import Encoder, Limits, Schema
from ingest.addresses import AddressLimit
from ingest.api import docs, openapi, responses
from ingest.api.admission import Admission
from ingest.api.handlers import event_routes
from ingest.api.keys import KeyFollower, KeyRing
from ingest.api.refusal_notes import RefusalNotes
from ingest.api.settler import Settler
from ingest.errors import SettingsError
from ingest.serving import Headers, Response, Route, problem, serve
from ingest.stream.append import Appender, AppendPolicy
from ingest.stream.connection import connect_async
from ingest.stream.group import EntryPolicy, Grouper
from ingest.stream.link import Link
from ingest.stream.producer import Producer
from ingest.stream.quota import QuotaCounters
from ingest.stream.room import RoomPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingest.serving import Answer, Request
    from ingest.settings import Settings
    from ingest.stream.connection import Wire

HOST = "127.0.0.1"
SEED_BYTES = 32
# Half of the patience with an unknown outcome: a server that is silent gets a second try.
REPLY_SHARE = 0.5
# A request that waits for the counters of all workers goes on without them then.
QUOTA_TIMEOUT_S = 0.5
_JSON = Headers({"Content-Type": "application/json", "Cache-Control": "no-store"})
_HTML = Headers({"Content-Type": "text/html; charset=utf-8"})


def run(settings: Settings, index: int, port: int, host: str = HOST) -> NoReturn:
    """Serve as the worker with this index until a signal ends the process."""
    serve(Worker(settings, index), host, port, settings.drain_timeout_s)


def read_schema(path: Path | None) -> Schema:
    """Compile the declared schema, or the built-in one; SettingsError when it is not one."""
    try:
        return Schema(path.read_text("utf-8")) if path else Schema.builtin()
    except (OSError, ValueError) as error:
        raise SettingsError(f"schema_file: {path}: {error}") from error


def limits(settings: Settings) -> Limits:
    """Take what the settings bound; the rest has the extension's defaults."""
    return Limits(
        max_body_bytes=settings.max_body_bytes,
        max_batch_events=settings.max_batch_events,
        max_event_bytes=settings.max_event_bytes,
    )


class Worker:
    """The service that `serving` runs."""

    def __init__(self, settings: Settings, index: int) -> None:
        given = _Given.of(settings)
        schema, bounds = read_schema(settings.schema_file), limits(settings)
        encoder = Encoder(schema, bounds, seed=secrets.token_bytes(SEED_BYTES))
        self._secret = given.edge_secret
        self._ring = KeyRing()
        self._follower = KeyFollower(self._ring, given.database_url, given.valkey_url)
        self._appender = _appender(settings, index, schema, given.valkey_url)
        self._notes = RefusalNotes()
        self._settler = _settler(settings, index, given.valkey_url)
        addresses = AddressLimit(settings.strangers_per_minute)
        admission = Admission(self._ring, settings.known_plans, self._settler, addresses)
        self._is_draining = False
        document = openapi.document(schema, bounds, version("ingest"), [*settings.known_plans])
        self.routes = [
            *event_routes(admission, encoder, self._appender, self._notes),
            Route("GET", "/health", self._health),
            Route("GET", "/docs", _constant(_HTML, docs.page(document))),
            Route("GET", "/docs/openapi.json", _constant(_JSON, orjson.dumps(document))),
            Route("GET", "/-/ready", self._health),
            Route("GET", "/-/metrics", self._metrics),
            Route("GET", "/-/refusals", self._refusals),
        ]

    def refuse(self, _request: Request, headers: Mapping[str, str]) -> Response | None:
        """Answer nobody but the edge."""
        given = headers.get("x-ingest-edge", "")
        return None if hmac.compare_digest(given, self._secret) else responses.FORBIDDEN

    async def start(self) -> None:
        """Begin to connect and to follow the keys; requests are refused until both are there."""
        self._follower.start()
        self._appender.start()
        self._settler.start()

    def is_ready(self) -> bool:
        """Tell whether events are taken."""
        return self._not_ready() is None

    def drain(self) -> None:
        """Tell from now on that this worker is stopping."""
        self._is_draining = True

    async def stop(self) -> None:
        """End what `start` began."""
        self._follower.stop()
        await self._appender.close()
        await self._settler.close()

    async def _health(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        refusal = self._not_ready() or self._not_taking()
        if refusal is not None:
            return refusal
        told = {"status": "ok", "ack": str(self._appender.level)}
        return Response(200, _JSON, orjson.dumps(told))

    def _not_ready(self) -> Response | None:
        if self._is_draining:
            return responses.DRAINING
        if self._appender.away is not None:
            return problem("stream_unavailable", Retry_After="1")
        return None if self._ring.is_loaded else responses.REFUSALS["keys_unavailable"]

    def _not_taking(self) -> Response | None:
        """Tell of a stream without room; this passes, so a worker counts as started with it."""
        refusal = self._appender.refusal
        if refusal is None:
            return None
        return responses.not_appended(refusal.code, self._appender.retry_after_s())

    async def _refusals(self, request: Request, _headers: Mapping[str, str]) -> Response:
        """Give what was refused after a number, and how many events were accepted in all."""
        after = request.query_params.get("after", None) or ""
        told = {
            "accepted": sum(metrics.EVENTS.counts.values()),
            "refused": self._notes.seen,
            "notes": self._notes.after(int(after) if after.isdecimal() else 0),
        }
        return Response(200, _JSON, orjson.dumps(told))

    async def _metrics(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        return Response(200, _JSON, readout.encode(readout.own(self._fault())))

    def _fault(self) -> str:
        """Say why events are not taken, in the words for operators."""
        if self._is_draining:
            return "stopping"
        if self._appender.away is not None:
            return self._appender.away
        if not self._ring.is_loaded:
            return "the keys are not loaded yet"
        return str(self._appender.refusal or "")


class _Given(NamedTuple):
    """What a worker can't do without."""

    edge_secret: str
    valkey_url: str
    database_url: str

    @classmethod
    def of(cls, settings: Settings) -> _Given:
        secret = settings.edge_secret and settings.edge_secret.get_secret_value()
        found = {
            "edge_secret": secret,
            "valkey_url": settings.valkey_url,
            "database_url": settings.worker_database_url or settings.database_url,
        }
        missing = [f"{name}: a worker needs it" for name, value in found.items() if not value]
        if missing:
            raise SettingsError("\n".join(missing))
        return cls(**{name: value or "" for name, value in found.items()})


def _appender(settings: Settings, index: int, schema: Schema, valkey_url: str) -> Appender:
    async def connect(timeout_s: float) -> Wire:
        return await connect_async(valkey_url, name=f"ingest-worker-{index}", timeout_s=timeout_s)

    link = Link(
        connect, schema, settings.shards, settings.resend_s * REPLY_SHARE, RoomPolicy.of(settings)
    )
    grouper = Grouper(Producer(), schema.fingerprint, EntryPolicy.of(settings, index))
    return Appender(link, grouper, AppendPolicy.of(settings))


def _settler(settings: Settings, index: int, valkey_url: str) -> Settler:
    async def connect(timeout_s: float) -> Wire:
        return await connect_async(valkey_url, name=f"ingest-quota-{index}", timeout_s=timeout_s)

    return Settler(QuotaCounters(connect, QUOTA_TIMEOUT_S), settings.workers)


def _constant(headers: Headers, body: str | bytes) -> Answer:
    response = Response(200, headers, body)

    async def answer(_request: Request, _headers: Mapping[str, str]) -> Response:
        return response

    return answer
