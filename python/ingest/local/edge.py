"""nginx from a wheel, in front of the workers: the only process that clients reach.

Its configuration is written from edge.conf; a changed list of workers takes effect by a reload, in
which old nginx workers finish what they have and then end.
"""

from __future__ import annotations

import http.client
import os
import re
import resource
import signal
import ssl
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import psutil

from ingest import edge_token
from ingest.local import private_file, problems, wheels
from ingest.local.process import Command, Process, run_to_end
from ingest.settings import server_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.local.data_dir import DataDir
    from ingest.settings import Settings

TEMPLATE = Path(__file__).with_name("edge.conf")
SPARE_FILES = 512  # listeners, logs, upstream connections of an idle edge
WORKERS_PER_PROCESS = 4  # one nginx process carries what several API workers can take
# Of bodies that are arriving: 100 kB and above, 10 kB and above; smaller ones count as connections.
LARGE_BODIES_BYTES, MEDIUM_BODIES_BYTES = 512 << 20, 256 << 20
SMALL_BYTES, MEDIUM_BYTES = 10_000, 100_000
# Of bodies of one size with one worker, which holds each up to four times while it is read.
WORKER_BYTES = 32 << 20
# A request has a cost beside its body, of about 20 kB.
MOST_REQUESTS, PAGE_REQUESTS = 1024, 64
KEPT = 128  # idle connections to workers, of a group
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names what is listened on
LIMITS = (
    *("max_body_bytes", "max_connections", "max_address_connections"),
    *("head_timeout_s", "body_timeout_s", "admin_port"),
)

TLS_PROTOCOLS = "ssl_protocols TLSv1.2 TLSv1.3;"

INGEST = """
            if ($request_method != POST) { return 405; }
            if ($has_key = 0) { return 401; }
            if ($has_length = 0) { return 411; }
            if ($is_form) { return 415; }
            if ($is_odd) { return 400; }
            if ($has_bad_idempotency_key) { return 596; }
            error_log stderr crit;  # not a line for each request that is answered with overloaded
            proxy_pass http://workers_$size;
        """
DRAINING = " return 597; "
NOBODY = " return 503; "
OPEN = """
            if ($request_method !~ ^(GET|HEAD)$) { return 405; }
            if ($is_form) { return 415; }
            if ($is_odd) { return 400; }
            client_max_body_size 1k;
            proxy_set_body "";
            proxy_pass http://workers_pages;
        """
# One group for each size of requests: the names that edge.conf chooses from.
UPSTREAM = """\
    upstream workers_{size} {{
        zone workers_{size} 64k;
{servers}
        # By turns each client would soon wait for a worker that hangs: so it holds its share.
        least_conn;
        keepalive {kept};
        # Shorter than a worker's own: who closes first must be the side that sends requests.
        keepalive_timeout 4s;
    }}
"""


class Edge(Process):
    """One nginx; `worker_ports` is the list that it sends requests to."""

    stop_signal: ClassVar[signal.Signals] = signal.SIGQUIT  # finishes what it has
    force_signal: ClassVar[signal.Signals] = signal.SIGTERM  # the master ends its workers too
    death_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(
        self, home: DataDir, settings: Settings, secret: str, worker_ports: Sequence[int]
    ) -> None:
        """Serve `settings.host:port`; every request to a worker carries `secret`."""
        super().__init__("edge", home)
        self._settings = settings
        self._secret = secret
        self._worker_ports = tuple(worker_ports)
        self._draining = False
        self._old: tuple[psutil.Process, ...] = ()

    @property
    def url(self) -> str:
        """Where clients post, as seen from this machine."""
        scheme = "https" if self._settings.tls_certificate else "http"
        return f"{scheme}://{_in_url(self._reachable_host)}:{self._settings.port}"

    @property
    def directory(self) -> Path:
        """Its own directory: root's, so that the account of nginx's workers can't change it."""
        path = self.home.servers / "edge"
        path.mkdir(mode=0o711, exist_ok=True)
        return path.resolve()

    def prepare(self) -> None:
        """Write the configuration of this start and let nginx check it."""
        self.home.prepare()
        (self.directory / "temp").mkdir(mode=0o711, exist_ok=True)
        self._write()
        run_to_end(self._command("-t", "-q"))

    def command(self) -> Command:
        """Run the master in the foreground."""
        return self._command()

    def is_ready(self) -> bool:
        """Ask for a route that nobody has: the edge itself answers 404."""
        try:
            with closing(self._connect()) as connection:
                connection.request("GET", "/-/edge", headers={"Connection": "close"})
                return connection.getresponse().status == http.HTTPStatus.NOT_FOUND
        except (OSError, http.client.HTTPException):
            return False

    def send_to(self, worker_ports: Sequence[int]) -> None:
        """Use this list from now on; once `is_reloaded` the workers left out get no more."""
        self._worker_ports = tuple(worker_ports)
        self._reload()

    def drain(self) -> None:
        """Answer 503 from now on; what was accepted before is finished."""
        self._draining = True
        self._reload()

    def is_reloaded(self) -> bool:
        """Tell whether nginx's workers of before the last reload have finished and ended."""
        self._old = tuple(process for process in self._old if process.is_running())
        return not self._old

    def _reload(self) -> None:
        self._write()
        if self.pid is not None:
            self._old = (*self._old, *psutil.Process(self.pid).children())
            self.signal(signal.SIGHUP)

    def _command(self, *arguments: str) -> Command:
        program = wheels.NGINX.folder_for(None) / "nginx"
        at = ("-p", f"{self.directory}/", "-c", "edge.conf", "-e", "stderr")
        argv = [str(program), *at, *arguments]
        return Command(argv, self.directory, server_environment(), nofile=self._files)

    @property
    def _files(self) -> int:
        """Two sockets a request; no more than the machine allows us."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        wanted = 2 * self._settings.max_connections + SPARE_FILES
        return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)

    @property
    def _reachable_host(self) -> str:
        return ANYWHERE.get(self._settings.host, self._settings.host)

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._reachable_host, self._settings.port
        if self._settings.tls_certificate is None:
            return http.client.HTTPConnection(host, port, timeout=1.0)
        unverified = ssl.create_default_context()
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE  # it asks itself, on loopback
        return http.client.HTTPSConnection(host, port, timeout=1.0, context=unverified)

    def _write(self) -> None:
        values = self._values()
        text = re.sub(r"\{\{(\w+)\}\}", lambda name: values[name[1]], TEMPLATE.read_text("utf-8"))
        private_file.write(self.directory / "edge.conf", text)

    def _values(self) -> dict[str, str]:
        settings = self._settings
        limits = {name: str(getattr(settings, name)) for name in LIMITS}
        limits |= bodies(settings)
        return limits | {
            "user": self._user(),
            "processes": str(-(-settings.workers // WORKERS_PER_PROCESS)),
            "nofile": str(self._files),
            "connections": str(self._files - SPARE_FILES // 2),
            "drain_s": str(settings.drain_timeout_s),
            "answer_s": str(int(settings.resend_s) + settings.drain_timeout_s),
            "upstreams": upstreams(self._addresses(), settings),
            "edge_secret": self._secret,
            "refusals_token": edge_token.of(self._secret),
            "refusals_to": f"127.0.0.1:{settings.admin_port}",
            "listen": self._listen(),
            "tls": self._tls(),
            "ingest": self._ingest(),
            "open": OPEN,
            "problems": problems.directives(),
        }

    def _ingest(self) -> str:
        if self._draining:
            return DRAINING
        return INGEST if self._worker_ports else NOBODY

    def _user(self) -> str:
        account = self.home.account
        return f"user {account.name} {account.group};" if account else ""

    def _addresses(self) -> list[str]:
        """One a worker; with none, a closed port, so that the answer is 502."""
        return [f"127.0.0.1:{port}" for port in self._worker_ports] or ["127.0.0.1:1 down"]

    def _listen(self) -> str:
        settings = self._settings
        secure = " ssl" if settings.tls_certificate else ""
        return f"{_in_url(settings.host)}:{settings.port}{secure} backlog=4096"

    def _tls(self) -> str:
        settings = self._settings
        if settings.tls_certificate is None:
            return ""
        return (
            f"        ssl_certificate {_quoted(settings.tls_certificate)};\n"
            f"        ssl_certificate_key {_quoted(settings.tls_key)};\n"
            f"        {TLS_PROTOCOLS}\n"
        )


def bodies(settings: Settings) -> dict[str, str]:
    """Say how many bodies may arrive at once: in total, and half of it from one address."""
    large = LARGE_BODIES_BYTES // settings.max_body_bytes
    medium = MEDIUM_BODIES_BYTES // MEDIUM_BYTES
    return {
        "large_bodies": str(large),
        "large_bodies_of_address": str(large // 2),
        "medium_bodies": str(medium),
        "medium_bodies_of_address": str(medium // 2),
    }


def upstreams(addresses: Sequence[str], settings: Settings) -> str:
    """Write the workers' groups; each bounds what of its size may be with one worker."""
    bounds = {
        "small": min(WORKER_BYTES // SMALL_BYTES, MOST_REQUESTS),
        "medium": min(WORKER_BYTES // MEDIUM_BYTES, settings.max_worker_batches),
        "large": WORKER_BYTES // settings.max_body_bytes,
        "pages": PAGE_REQUESTS,
    }
    return "".join(_upstream(size, most, addresses) for size, most in bounds.items())


def _upstream(size: str, most: int, addresses: Sequence[str]) -> str:
    lines = (f"        server {one} max_fails=0 max_conns={most};" for one in addresses)
    return UPSTREAM.format(size=size, servers="\n".join(lines), kept=min(most, KEPT))


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _quoted(path: os.PathLike[str] | None) -> str:
    text = os.fspath(path) if path is not None else ""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
