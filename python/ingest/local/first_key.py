"""The API key that `up` makes: in a file for its owner, as a hash in the database."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from ingest.errors import NeedsPerson
from ingest.local import private_file
from ingest.store import keys, projects, session
from ingest.store.key_table import SPREAD_S

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.store.session import Connection

PROJECT = "default"
PLAN = "unlimited"
ENVIRONMENT = "local"
FORM = re.compile(r"wk_[a-z0-9]+_[A-Za-z0-9_-]{43}")  # the edge refuses what looks different


def keep(dsn: str, path: Path) -> str:
    """Give the key in `path`, made at the first start; the workers know it afterwards.

    Called when all runs: a start that fails leaves no key behind in a database that others use.
    """
    key = read(path)
    if key is None:
        key = keys.generate(ENVIRONMENT)
        private_file.write(path, key + "\n")
    with session.connect(dsn, "ingest up") as connection:
        is_new = keys.insert(connection, _project(connection).project_id, keys.digest(key))
    if is_new:
        time.sleep(SPREAD_S)
    return key


def read(path: Path) -> str | None:
    """Give the key that an earlier start made; NeedsPerson when the file holds something else."""
    try:
        key = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    if not FORM.fullmatch(key):
        raise NeedsPerson(f"{path} holds no key: restore it, or remove it and another is made")
    return key


def _project(connection: Connection) -> projects.Project:
    made = projects.create(connection, PROJECT, PLAN) or projects.find(connection, PROJECT)
    if made is None:
        raise NeedsPerson(f"the project {PROJECT!r} was removed while `up` started: start again")
    return made
