"""Valkey from a wheel: every append on disk before its answer, nothing ever evicted.

Three users beside the switched-off default: workers append, consumers read and trim, the operator
(run.json) may do anything. Passwords are stored as hashes.
"""

from __future__ import annotations

import hashlib
import signal
import socket
from typing import TYPE_CHECKING, ClassVar

from ingest.local import private_file, wheels
from ingest.local.credentials import Credentials
from ingest.local.data_dir import DataDir
from ingest.local.process import Command, Process
from ingest.settings import server_environment

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30
NOFILE = 16384

# fsync before the answer is a group commit. The rewrite's size: with a drained stream the default
# of 64 MB forks about once a second at 60 MB/s. No snapshots: the append-only file is the truth.
CONFIGURATION = """\
port 0
unixsocket {socket}
unixsocketperm 700
dir "{directory}"
daemonize no
logfile ""
always-show-logo no
save ""
appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
aof-use-rdb-preamble yes
aof-load-truncated yes
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 2gb
maxmemory {max_bytes}
maxmemory-policy noeviction
user default reset off
user operator reset on #{operator} ~* &* +@all
user consumer reset on #{consumer} ~ingest:* &ingest:* {consumer_commands}
user worker reset on #{worker} ~ingest:* &ingest:* {worker_commands}
"""
BOTH = "+@connection +@transaction +@hash +xlen +xinfo +get +set +incr +incrby +expire +exists"
TOLD = "-@dangerous +info +config|get"
WORKER_COMMANDS = f"-@all {BOTH} +xadd +eval +time {TOLD}"
CONSUMER_COMMANDS = f"-@all {BOTH} +@stream +eval +del +unlink +type +memory|usage {TOLD}"


class EmbeddedValkey(Process):
    """One server of one data directory; also used by tests on its own."""

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    is_batch: ClassVar[bool] = False  # every request waits for it

    def __init__(
        self,
        home: DataDir | Path,
        credentials: Credentials | None = None,
        max_bytes: int = GIB,
    ) -> None:
        """Use the data directory `home`; passwords are kept in it unless given."""
        super().__init__("valkey", home if isinstance(home, DataDir) else DataDir(home))
        self._credentials = credentials
        self._max_bytes = max_bytes

    @property
    def url(self) -> str:
        """The operator's URL, in redis-py's form for a Unix socket."""
        return self._url("operator", self._secrets.valkey_operator)

    @property
    def consumer_url(self) -> str:
        """The URL of consumers and the admin process."""
        return self._url("consumer", self._secrets.valkey_consumer)

    @property
    def worker_url(self) -> str:
        """The URL of API workers."""
        return self._url("worker", self._secrets.valkey_worker)

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.home.socket_dir() / "valkey.sock"

    def prepare(self) -> None:
        """Write the configuration of this start."""
        self.home.prepare()
        directory = self.home.server_dir("valkey").resolve()
        quoted = str(directory).replace("\\", "\\\\").replace('"', '\\"')
        text = CONFIGURATION.format(
            socket=self.socket,
            directory=quoted,
            max_bytes=self._max_bytes,
            operator=_digest(self._secrets.valkey_operator),
            consumer=_digest(self._secrets.valkey_consumer),
            worker=_digest(self._secrets.valkey_worker),
            consumer_commands=CONSUMER_COMMANDS,
            worker_commands=WORKER_COMMANDS,
        )
        private_file.write(self._configuration, text, self.home.account)

    def command(self) -> Command:
        """Run the server in the foreground."""
        directory = self.home.server_dir("valkey").resolve()
        program = wheels.VALKEY.folder_for(self.home.account) / "valkey-server"
        argv = [str(program), str(self._configuration)]
        return Command(argv, directory, server_environment(), self.home.account, NOFILE)

    def is_ready(self) -> bool:
        """Log in and ping: while it loads its file it answers with an error."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1.0)
                connection.connect(str(self.socket))
                connection.sendall(_request("AUTH", "operator", self._secrets.valkey_operator))
                connection.sendall(_request("PING"))
                with connection.makefile("rb") as answers:
                    return answers.readline() + answers.readline() == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False

    @property
    def _configuration(self) -> Path:
        """Where it lies: of a path with a bracket Valkey reads nothing, and starts open to all."""
        return self.home.socket_dir() / "valkey.conf"

    @property
    def _secrets(self) -> Credentials:
        if self._credentials is None:
            self._credentials = Credentials.keep(self.home.credentials_file)
        return self._credentials

    def _url(self, user: str, password: str) -> str:
        return f"unix://{user}:{password}@{self.socket}"


def _request(*words: str) -> bytes:
    parts = (f"${len(word)}\r\n{word}\r\n" for word in words)
    return f"*{len(words)}\r\n{''.join(parts)}".encode()


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
