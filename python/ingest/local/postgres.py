"""PostgreSQL from a wheel: on a socket in a 0700 directory, with passwords, never as root.

The database `ingest` belongs to the role `ingest`; `ingest_worker` may read what migrations grant.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

import psutil

from ingest.errors import NeedsPerson
from ingest.local import private_file, wheels
from ingest.local.credentials import Credentials
from ingest.local.data_dir import DataDir
from ingest.local.process import Command, Process, run_to_end
from ingest.local.strays import end_working_in
from ingest.settings import server_environment

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = "ingest"
OWNER = "ingest"
WORKER = "ingest_worker"
MIB = 1 << 20
CUSTOM = "custom.conf"
SOCKET_NOTE = ".s.PGSQL.5432.lock"

# English messages: a refused COPY names its line in them. Sockets only: no port to guard.
CONFIGURATION = """\
# Written at each start; what custom.conf says wins and is kept.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 100
password_encryption = 'scram-sha-256'
lc_messages = 'C'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
# A failing statement's text may hold a password or a person's data.
log_min_error_statement = 'panic'

# Acknowledged means stored.
fsync = on
synchronous_commit = on
full_page_writes = on

# Bulk writes: checkpoints by time and far apart, so that fewer full pages are logged again.
shared_buffers = '{shared_buffers_mib}MB'
wal_buffers = '64MB'
max_wal_size = '4GB'
min_wal_size = '512MB'
checkpoint_timeout = '15min'
checkpoint_completion_target = 0.9
wal_compression = off
jit = off
include = 'custom.conf'
"""
ACCESS = "local all all scram-sha-256\n"


class EmbeddedPostgres(Process):
    """One server of one data directory; also used by tests on its own."""

    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": ends sessions, checkpoints
    force_signal: ClassVar[signal.Signals] = signal.SIGQUIT  # "immediate": recovers at next start
    death_signal: ClassVar[signal.Signals] = signal.SIGQUIT  # SIGKILL would leave its children

    def __init__(self, home: DataDir | Path, credentials: Credentials | None = None) -> None:
        """Use the data directory `home`; passwords are kept in it unless given."""
        super().__init__("postgres", home if isinstance(home, DataDir) else DataDir(home))
        self._credentials = credentials
        self._bin: Path | None = None

    @property
    def dsn(self) -> str:
        """The URL of the owner of the database: consumers, admin, migrations."""
        return self._url(OWNER, self._secrets.postgres_ingest, DATABASE)

    @property
    def worker_dsn(self) -> str:
        """The URL of the role that reads keys and nothing else."""
        return self._url(WORKER, self._secrets.postgres_worker, DATABASE)

    @property
    def superuser_dsn(self) -> str:
        """The URL of the role `postgres`."""
        return self._url("postgres", self._secrets.postgres, "postgres")

    @property
    def password(self) -> str:
        """The password of the database's owner."""
        return self._secrets.postgres_ingest

    @property
    def data(self) -> Path:
        """PostgreSQL's own directory."""
        return (self.home.servers / "postgres").resolve()

    def program(self, name: str) -> str:
        """Give the path of one of the wheel's programs."""
        if self._bin is None:
            self._bin = wheels.POSTGRES.folder_for(self.home.account)
        return str(self._bin / name)

    def prepare(self) -> None:
        """Make the cluster at the first start; NeedsPerson when it is of another major version."""
        self.home.prepare()
        if not self.data.exists():
            self._make_cluster()
        self._check_version()
        owner = self.home.account
        sockets = self.home.socket_dir()
        shared = max(128, min(1024, psutil.virtual_memory().total // MIB // 8))
        text = CONFIGURATION.format(sockets=sockets, shared_buffers_mib=shared)
        private_file.write(self.data / "postgresql.conf", text, owner)
        private_file.write(self.data / "pg_hba.conf", ACCESS, owner)
        if not (self.data / CUSTOM).exists():
            private_file.write(self.data / CUSTOM, "# Your own settings.\n", owner)

    def command(self) -> Command:
        """Run the postmaster in the foreground."""
        end_working_in(self.data)
        self._drop_notes()
        return self._command("postgres", "-D", str(self.data))

    def is_ready(self) -> bool:
        """Ask with the start of the protocol, as pg_isready does."""
        asked = [self.program("pg_isready"), "-q", "-t", "1", "-h", str(self.home.socket_dir())]
        return subprocess.run(asked, check=False, env=server_environment()).returncode == 0

    def _drop_notes(self) -> None:
        """Remove a killed server's notes of its process id, which may be somebody else's by now."""
        for note in (self.data / "postmaster.pid", self.home.socket_dir() / SOCKET_NOTE):
            note.unlink(missing_ok=True)

    @property
    def _secrets(self) -> Credentials:
        if self._credentials is None:
            self._credentials = Credentials.keep(self.home.credentials_file)
        return self._credentials

    def _url(self, role: str, password: str, database: str) -> str:
        return (
            f"postgresql://{role}:{password}@/{database}?host={quote(str(self.home.socket_dir()))}"
        )

    def _command(self, program: str, *arguments: str) -> Command:
        argv = [self.program(program), *arguments]
        cwd = self.home.server_dir("run")
        return Command(argv, cwd, server_environment(), self.home.account)

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        ours = wheels.POSTGRES.version.partition(".")[0]
        if found != ours:
            raise NeedsPerson(
                f"{self.data} holds data of PostgreSQL {found}, this is {ours}: "
                "dump it with the old version and restore, or choose another --data"
            )

    def _make_cluster(self) -> None:
        """Make it beside its place and move it there when whole: a kill leaves no half of it."""
        draft = self.home.server_dir("postgres.new").resolve()
        shutil.rmtree(draft)
        self.home.server_dir(draft.name)
        password = self.home.server_dir("run").resolve() / "password"
        private_file.write(password, self._secrets.postgres, self.home.account)
        try:
            run_to_end(self._initdb(draft, password))
        finally:
            password.unlink()
        single = self._command("postgres", "--single", "-j", "-D", str(draft), "postgres")
        run_to_end(single, self._roles())
        draft.rename(self.data)

    def _initdb(self, target: Path, password: Path) -> Command:
        return self._command(
            "initdb",
            *("-D", str(target), "-U", "postgres", f"--pwfile={password}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
            *("--locale-provider=builtin", "--lc-messages=C", "--no-instructions"),
        )

    def _roles(self) -> str:
        """Write statements for single-user mode, each ended by an empty line."""
        return (
            f"CREATE ROLE {OWNER} LOGIN PASSWORD '{self._secrets.postgres_ingest}';\n\n"
            f"CREATE ROLE {WORKER} LOGIN PASSWORD '{self._secrets.postgres_worker}';\n\n"
            f"CREATE DATABASE {DATABASE} OWNER {OWNER};\n\n"
        )
