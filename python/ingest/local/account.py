"""The account that runs the embedded servers: PostgreSQL refuses root, so root lends another.

Not root means: run them as oneself (no account).
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Account:
    """An unprivileged user and its first group."""

    name: str
    uid: int
    gid: int

    @property
    def group(self) -> str:
        """The name of the first group."""
        return grp.getgrgid(self.gid).gr_name

    def reaches(self, path: Path) -> bool:
        """Tell whether mode bits let the account walk into `path`; access lists are not read."""
        resolved = path.resolve()
        return all(self._enters(step.stat()) for step in (resolved, *resolved.parents))

    def own(self, path: Path) -> None:
        """Give the account a directory or file that we made."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def _enters(self, found: os.stat_result) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def for_servers(run_user: str) -> Account | None:
    """Find who runs the servers: `run_user` when we are root, else None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(run_user)
    except KeyError:
        raise SettingsError(f"run_user: there is no account {run_user!r} on this machine") from None
    if entry.pw_uid == 0:
        raise SettingsError("run_user: PostgreSQL refuses root, name an unprivileged account")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
