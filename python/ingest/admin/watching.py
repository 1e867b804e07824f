"""The routes for those who look: health, metrics, figures and the live stream.

GET /livez                      that this process answers
GET /readyz                     each part, 503 when one is not ready
GET /metrics                    Prometheus' text format
GET /api/v1/figures             figures.Figures
GET /api/v1/figures/history     figures.History
GET /api/v1/stream?topics=a,b   server-sent events; `figures` once a second, and what others publish
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

import orjson

from ingest.admin import exposition, heads, health, summary, system_metrics
from ingest.admin.history import Past
from ingest.admin.live import Hub
from ingest.admin.sample import WATCHED_S, Sampler
from ingest.front import CALLER
from ingest.serving import Headers, Response, Route, Stream, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ingest.admin.live import Watcher
    from ingest.admin.sample import Sample
    from ingest.serving import Request
    from ingest.settings import Settings

T = TypeVar("T")
FIGURES = "figures"
# Enough for a minute's growth of Valkey, at a sample a second.
SAMPLES = 64
# Who waits for a sample at once, in threads of their own: a replay holds another for 20 s.
PROBES = 8
_TEXT = heads.of(exposition.CONTENT_TYPE)
# What Robyn adds to a stream says enough of caches.
_EVENTS = Headers(
    {"Content-Type": "text/event-stream; charset=utf-8", "X-Content-Type-Options": "nosniff"}
)


class Watching:
    """Takes samples and tells what they mean; others publish on `hub` too.

    `warning` says what of this process itself somebody should see to.
    """

    def __init__(self, settings: Settings, warning: Callable[[], str]) -> None:
        self.hub = Hub()
        self._warning = warning
        self._settings = settings
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._past = Past()
        self._figures = b""
        self._sampler = Sampler(settings, self._hear, lambda: self.hub.is_watched(FIGURES))
        self._is_draining = False
        self._watchers: WeakValueDictionary[str, Watcher] = WeakValueDictionary()
        self._threads = ThreadPoolExecutor(PROBES, "probe")

    @property
    def routes(self) -> Sequence[Route]:
        """All routes."""
        return [
            Route("GET", "/livez", self._livez),
            Route("GET", "/readyz", self._readyz),
            Route("GET", "/metrics", self._metrics),
            Route("GET", "/api/v1/figures", self._now),
            Route("GET", "/api/v1/figures/history", self._history),
            Route("GET", "/api/v1/stream", self._stream),
        ]

    def start(self) -> None:
        """Begin to take samples, in a thread."""
        self._sampler.start()

    def drain(self) -> None:
        """Tell from now on that this process is stopping."""
        self._is_draining = True

    def left(self, caller: str) -> None:
        """End the stream of a caller who has gone."""
        watcher = self._watchers.get(caller)
        if watcher is not None:
            watcher.end()

    def stop(self) -> None:
        """Take no more samples."""
        self._sampler.stop()

    def _hear(self, sample: Sample) -> None:
        """Make figures of a sample, in the sampler's thread."""
        self._samples.append(sample)
        figures = summary.figures(list(self._samples), self._settings)
        self._past.add(figures)
        self._figures = orjson.dumps(figures)
        self.hub.publish(FIGURES, orjson.Fragment(self._figures))

    async def _probe(self, ask: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)

    async def _livez(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        return Response(200, heads.JSON, b'{"status":"ok"}')

    async def _readyz(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        sample = await self._probe(self._sampler.fresh)
        parts = [] if sample is None else health.parts(sample, self._settings)
        if sample is None:
            parts.append(health.Part("admin", "knows nothing of the other parts yet"))
        if self._is_draining:
            parts.append(health.Part("admin", "stopping"))
        if warning := self._warning():
            parts.append(health.Part("admin", "", warning=warning))
        is_ready = not any(part.reason for part in parts)
        told = {
            "status": "ok" if is_ready else "not ready",
            "parts": [part._asdict() for part in parts],
        }
        return Response(200 if is_ready else 503, heads.JSON, orjson.dumps(told))

    async def _metrics(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        return await self._probe(self._text)

    def _text(self) -> Response:
        sample = self._sampler.fresh()
        if sample is None:
            return problem("not_sampled", Retry_After="1")
        readouts = {name: one for name, one in sample.readouts.items() if one is not None}
        older = [each for each in self._samples if each.clock < sample.clock]
        of_all = system_metrics.families([*older, sample], self._settings)
        return Response(200, _TEXT, exposition.render(readouts, of_all))

    async def _now(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        self._sampler.look()
        await self._probe(partial(self._sampler.fresh, WATCHED_S))
        if not self._figures:
            return problem("not_sampled", Retry_After="1")
        return Response(200, heads.JSON, self._figures)

    async def _history(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        self._sampler.look()
        return Response(200, heads.JSON, orjson.dumps(self._past.history()))

    async def _stream(self, request: Request, headers: Mapping[str, str]) -> Response | Stream:
        if request.method == "HEAD":
            return Response(200, _EVENTS, b"")
        asked = dict(request.query_params.multi_items()).get("topics", FIGURES)
        self._sampler.look()
        watcher = self._watchers[headers.get(CALLER, "")] = self.hub.watch(asked.split(","))
        return Stream(watcher, _EVENTS)
