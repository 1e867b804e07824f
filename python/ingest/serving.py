"""One HTTP process on a loopback port: Robyn's raw routes, readiness, signals and the drain.

The only module that imports Robyn; the API worker and the admin process are services that it runs.

    SIGTERM, SIGINT   answer what still comes until it has been quiet, then exit 0
    a second one      exit at once

Robyn is used below its application class: that one reads the environment and a file, wraps each
handler in a layer of its own, adds pages that load from elsewhere, and waits for ever at a port in
use. Its parser trusts its peer, so something that frames requests must stand in front: the edge,
or `front` for the admin process.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from ingest import listener, log, metrics
from ingest.errors import IngestError
from ingest.fault_log import FaultLog
from ingest.problems import CONTENT_TYPE, PROBLEMS
from ingest.readiness import ALIVE, BEAT_S, READY, STOPPING, notify

# At its import Robyn takes the command line for its own: `--help`, `--version`, `--workers`.
_arguments, sys.argv = sys.argv, sys.argv[:1]
try:
    from robyn.processpool import initialize_event_loop
    from robyn.robyn import (
        FunctionInfo,
        Headers,
        HttpMethod,
        Request,
        Response,
        Server,
        SocketHeld,
    )
finally:
    sys.argv = _arguments

__all__ = [
    "Answer",
    "Flow",
    "Headers",
    "Request",
    "Response",
    "Route",
    "Service",
    "Stream",
    "problem",
    "serve",
]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Robyn's own threads only carry requests to the one event loop that runs all handlers.
ROBYN_THREADS = 1
# An edge that has reloaded without this worker sends nothing for so long.
QUIET_S = 0.3
POLL_S = 0.02
# From this status on it is the server's fault, and logged.
FAULT = 500
# The label of all requests for what is no route.
OTHER = "other"
NOISY_LOGGERS = ("actix_server", "actix_http", "actix_web", "mio", "robyn")

# Each waits in a thread of the HTTP server, of which there are some hundred.
MAX_STREAMS = 32


class Flow(Protocol):
    """What a stream sends, asked for by one thread of the HTTP server at a time.

    It is let go of when the client has gone, which is noticed when something is sent: whoever
    waits in it for long must give something to send from time to time.
    """

    def __iter__(self) -> Iterator[bytes]:
        """Give itself."""

    def __next__(self) -> bytes:
        """Wait for the next piece; StopIteration ends the answer."""

    def end(self) -> None:
        """Let the flow stop soon; called at a drain, from the event loop."""


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer without an end, in pieces. The names are those that Robyn looks for."""

    content: Flow
    headers: Headers
    status_code: int = 200
    media_type: str = ""  # what is not Robyn's own type gets no headers of it


Answer = Callable[[Request, Mapping[str, str]], Awaitable[Response | Stream]]


@dataclass(frozen=True, slots=True)
class Route:
    """One route. Its handler gets the request and its headers, their names in lower case.

    A header that came twice has its values joined with ", "; one that is not ASCII is not there. A
    part `:name` of the path stands for any, which is in `request.path_params` as it came.
    """

    method: str
    path: str
    answer: Answer


class Service(Protocol):
    """What a process serves."""

    @property
    def routes(self) -> Sequence[Route]:
        """All routes; a GET answers HEAD too."""

    def refuse(self, request: Request, headers: Mapping[str, str]) -> Response | None:
        """Give the answer for a caller who may not ask at all; None lets the request in."""

    async def start(self) -> None:
        """Begin, on the event loop of the handlers; IngestError ends the process."""

    def is_ready(self) -> bool:
        """Whether the work can begin; whoever started this process is told once."""

    def drain(self) -> None:
        """Tell from now on that this process is stopping; requests are still answered."""

    async def stop(self) -> None:
        """End; nothing is in flight any more."""


def problem(code: str, message: str = "", **headers: str) -> Response:
    """Make the answer for a refusal; header names are written with underscores."""
    known = PROBLEMS[code]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(known.status, {"Content-Type": CONTENT_TYPE, **named}, known.body(message))


def serve(service: Service, host: str, port: int, drain_timeout_s: float) -> NoReturn:
    """Serve until a signal ends the process; `host` is an IP address. NeedsPerson: port in use."""
    listener.check_free(host, port)
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    _Process(service, host, port, drain_timeout_s).run()


class _Process:
    def __init__(self, service: Service, host: str, port: int, drain_timeout_s: float) -> None:
        self._service = service
        self._address = (host, port)
        self._drain_timeout_s = drain_timeout_s
        self._in_flight = 0
        self._faults = FaultLog()
        self._flows: weakref.WeakSet[Flow] = weakref.WeakSet()
        self._last_at = 0.0
        self._is_stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads: set[int] = set()

    def run(self) -> NoReturn:
        initialize_event_loop()  # type: ignore[no-untyped-call]
        server = Server()
        for method, path, answer in self._table():
            handle = self._attached(self._counted(method, path, answer))
            function = FunctionInfo(handle, True, 1, {}, {})
            server.add_route(getattr(HttpMethod, method), path, function, False)
        server.add_startup_handler(FunctionInfo(self._started, True, 0, {}, {}))
        held = SocketHeld(*self._address)
        server.start(held, ROBYN_THREADS)  # type: ignore[call-arg]  # its stub is of another version
        self._exit(0)

    def _table(self) -> list[tuple[str, str, Answer]]:
        """List the service's routes, and for every other method and path a fallback."""
        routes = self._service.routes
        table = [(route.method, route.path, route.answer) for route in routes]
        table += [("HEAD", one.path, one.answer) for one in routes if one.method == "GET"]
        taken = {(method, path) for method, path, _ in table}
        paths = {path for _, path, _ in table} | {"/", "/*rest"}
        fallbacks = {
            path: _Fallback([one.method for one in routes if one.path == path]) for path in paths
        }
        return table + [
            (method, path, fallbacks[path])
            for path in paths
            for method in METHODS
            if (method, path) not in taken
        ]

    def _attached(
        self, counted: Callable[[Request], Awaitable[Response | Stream]]
    ) -> Callable[[Request], Awaitable[Response | Stream]]:
        """Let Robyn's thread, which calls this, keep its state in the interpreter.

        Otherwise each of its several calls a request makes one and ends it, with the memory for
        its frames mapped and unmapped: 12 % of a worker's CPU with single events.
        """

        def attached(request: Request) -> Awaitable[Response | Stream]:
            if threading.get_ident() not in self._threads:
                self._threads.add(threading.get_ident())
                ctypes.pythonapi.PyGILState_Ensure()
            return counted(request)

        return attached

    def _counted(
        self, method: str, path: str, answer: Answer
    ) -> Callable[[Request], Awaitable[Response | Stream]]:
        refuse, clock = self._service.refuse, time.perf_counter
        route = path if any(path == one.path for one in self._service.routes) else OTHER
        seconds, counts = metrics.REQUEST_SECONDS.of(route), metrics.REQUESTS.counts
        faults, is_get = self._faults, method in {"GET", "HEAD"}  # a GET asks how things are

        async def counted(request: Request) -> Response | Stream:
            began = clock()
            self._in_flight += 1
            headers = request.headers.to_dict()
            try:
                response: Response | Stream | None = refuse(request, headers)
                if response is None:
                    answering = answer(request, headers)
                    del request  # so that the handler can let go of the body
                    response = await answering
                    if isinstance(response, Stream):
                        response = self._opened(response)
            except Exception:  # noqa: BLE001 - the outermost loop: one bad request ends alone
                faults.failed(route, headers.get("x-request-id"))
                response = problem("internal_error")
            else:
                if response.status_code >= FAULT and isinstance(response, Response) and not is_get:
                    request_id = headers.get("x-request-id")
                    body = response.description
                    faults.answered(route, response.status_code, body, request_id)
            finally:
                self._in_flight -= 1
                ended = clock()
                if not is_get:  # whoever watches must not keep a drain from its end
                    self._last_at = ended
            seconds.observe(ended - began)
            counts[route, str(response.status_code)] += 1
            return response

        return counted

    def _opened(self, stream: Stream) -> Response | Stream:
        """Keep a bound on the streams, and know them for the drain."""
        if len(self._flows) >= MAX_STREAMS or self._is_stopping:
            stream.content.end()
            return problem("overloaded", Retry_After="5")
        self._flows.add(stream.content)
        return stream

    async def _started(self) -> None:
        try:
            await self._service.start()
        except IngestError as error:
            log.get(__name__).error("can't start", reason=str(error))
            self._exit(1)
        gc.freeze()  # what the start made lives for ever: no collection looks at it again
        self._in_background(self._announce())

    async def _announce(self) -> None:
        """Tell that requests are answered, once one has been and the service is ready; go on so."""
        reader, writer = await asyncio.open_connection(*self._address)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.readline()
        writer.close()
        self._take_signals()
        log.get(__name__).info("listening", host=self._address[0], port=self._address[1])
        while not self._service.is_ready():  # noqa: ASYNC110 - the service has no event for it
            await asyncio.sleep(POLL_S)
        notify(READY)
        while True:  # on the loop that answers requests: it hangs when this is not said
            notify(ALIVE)
            await asyncio.sleep(BEAT_S)

    def _take_signals(self) -> None:
        """Hear the signals alone: the HTTP server, which would stop accepting, took them first."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        if self._is_stopping:
            self._exit(1)
        self._is_stopping = True
        self._in_background(self._drain())

    async def _drain(self) -> None:
        clock = time.perf_counter
        log.get(__name__).info("draining", in_flight=self._in_flight)
        notify(STOPPING)
        self._service.drain()
        for flow in list(self._flows):
            flow.end()
        self._last_at = clock()
        deadline = clock() + self._drain_timeout_s
        while clock() < deadline and not self._is_quiet():  # noqa: ASYNC110 - two clocks to watch
            await asyncio.sleep(POLL_S)
        _hush("actix_server")  # it complains of the socket that is taken from it
        listener.shut(self._address)
        await self._service.stop()
        await asyncio.sleep(POLL_S)  # whoever was refused just now is still being answered
        log.get(__name__).info("stopped", in_flight=self._in_flight)
        self._exit(0)

    def _is_quiet(self) -> bool:
        return not self._in_flight and time.perf_counter() - self._last_at >= QUIET_S

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _exit(self, status: int) -> NoReturn:
        """End without Robyn's part in it: a single process of it never ends on a signal."""
        logging.shutdown()
        os._exit(status)


class _Fallback:
    """Answers for the methods that a path lacks; with none allowed it is no path of ours."""

    def __init__(self, allowed: Sequence[str]) -> None:
        told = {"Allow": ", ".join(sorted(allowed))}
        self._response = problem("method_not_allowed", **told) if allowed else problem("not_found")

    async def __call__(self, _request: Request, _headers: Mapping[str, str]) -> Response:
        return self._response


def _hush(prefix: str) -> None:
    """Silence loggers of Rust code, which looks up the level of each but once."""
    logging.getLogger(prefix).setLevel(logging.CRITICAL)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(prefix):
            logging.getLogger(name).disabled = True
