"""What lies where under one data directory.

    key  run.json  lock  children.json  roster.json  credentials.json        0600
    log/                          one file a process, rotated
    servers/{postgres,valkey,edge,run}    run/ holds the sockets, 0700

As root, `servers` is a link to a directory of its own under /var/lib/ingest when the account that
runs the servers can't walk into the data directory (a 0700 home): parents are never opened up.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from ingest import roster
from ingest.errors import NeedsPerson
from ingest.local import account as accounts

SHARED = Path("/var/lib/ingest")
SHORT_ROOT = Path("/tmp")  # noqa: S108 - what is made in it is 0700, owner checked
MAX_SOCKET_DIR = 80  # bytes; a socket's path holds at most 107, its name takes up to 20
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")
NEEDED_BYTES = 256 << 20  # empty tables take 49 MiB, PostgreSQL's log grows at once
PRIVATE = 0o700
WALKABLE = 0o711


@dataclass(frozen=True)
class LogBounds:
    """How large one process's log files get, and how many of them are kept."""

    max_bytes: int = 10 << 20
    backups: int = 3


class DataDir:
    """The directory of one stack and the account that runs its servers."""

    def __init__(self, path: Path, run_user: str = "nobody", logs: LogBounds | None = None) -> None:
        """Name the places; nothing is made before `prepare`."""
        self.logs = logs or LogBounds()
        self.path = path.absolute()
        self.account = accounts.for_servers(run_user)
        self.key_file = self.path / "key"
        self.run_file = self.path / "run.json"
        self.lock_file = self.path / "lock"
        self.children_file = self.path / "children.json"
        self.roster_file = self.path / roster.FILE
        self.credentials_file = self.path / "credentials.json"
        self.log = self.path / "log"
        self.servers = self.path / "servers"

    def prepare(self) -> None:
        """Make the directories; NeedsPerson when that can't be."""
        try:
            self.path.mkdir(mode=WALKABLE if self.account else PRIVATE, parents=True, exist_ok=True)
            self._check_owner()
            self.log.mkdir(mode=PRIVATE, exist_ok=True)
            if not self.servers.exists():
                self._make_servers()
        except OSError as error:
            raise NeedsPerson(f"data directory {self.path}: {error.strerror}") from None
        self._check_room()

    def _check_owner(self) -> None:
        """Refuse a directory in which somebody else can put links and passwords of their own."""
        found = self.path.stat()
        if found.st_uid != os.geteuid() or found.st_mode & stat.S_IWOTH:
            raise NeedsPerson(
                f"data directory {self.path} belongs to another account or can be written by all: "
                "choose another, or chown and chmod it"
            )

    def _check_room(self) -> None:
        """Refuse a disk on which the first start would fail half way."""
        free = shutil.disk_usage(self.servers).free
        if free < NEEDED_BYTES and not any(self.servers.iterdir()):
            raise NeedsPerson(
                f"data directory {self.path}: {free >> 20} MiB are free, "
                f"a first start needs {NEEDED_BYTES >> 20}"
            )

    def server_dir(self, name: str) -> Path:
        """Make a 0700 directory that belongs to whoever runs the servers."""
        path = self.servers / name
        path.mkdir(mode=PRIVATE, exist_ok=True)
        if self.account is not None:
            self.account.own(path)
        return path

    def socket_dir(self) -> Path:
        """Make the 0700 directory of the sockets; its path is short and needs no quoting."""
        path = (self.servers / "run").resolve()
        if len(os.fsencode(path)) <= MAX_SOCKET_DIR and PLAIN_PATH.fullmatch(str(path)):
            return self.server_dir("run").resolve()
        return self._short_dir()

    def release(self) -> None:
        """Remove what lies outside the directory and is only used while servers run."""
        shutil.rmtree(self._short_path, ignore_errors=True)

    def _make_servers(self) -> None:
        self.servers.unlink(missing_ok=True)  # a link whose target is gone
        if self.account is None or self.account.reaches(self.path):
            self.servers.mkdir(mode=WALKABLE if self.account else PRIVATE)
            return
        SHARED.mkdir(mode=0o755, exist_ok=True)
        target = SHARED / f"data-{secrets.token_hex(4)}"
        target.mkdir(mode=WALKABLE)
        self.servers.symlink_to(target)

    @property
    def _short_path(self) -> Path:
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return SHORT_ROOT / f"ingest-{digest}"

    def _short_dir(self) -> Path:
        path = self._short_path
        path.mkdir(mode=PRIVATE, exist_ok=True)
        if self.account is not None and path.lstat().st_uid == os.geteuid():
            self.account.own(path)
        found = path.lstat()
        owner = self.account.uid if self.account else os.geteuid()
        if found.st_uid != owner or stat.S_IMODE(found.st_mode) != PRIVATE:
            raise NeedsPerson(f"{path} belongs to somebody else: remove it and start again")
        return path
