"""The API key that `up` makes: in a file for its owner, as a hash in the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.errors import NeedsPerson
from ingest.local import private_file
from ingest.store import keys, projects, session

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.store.session import Connection

PROJECT = "default"
PLAN = "unlimited"
ENVIRONMENT = "local"
FORM = re.compile(r"wk_[a-z0-9]+_[A-Za-z0-9_-]{43}")  # the edge refuses what looks different


def keep(dsn: str, path: Path) -> str:
    """Give the key in `path`, made at the first start; the database knows it afterwards."""
    key = _read(path)
    with session.connect(dsn, "ingest up") as connection:
        keys.insert(connection, _project(connection).project_id, keys.digest(key))
    return key


def _read(path: Path) -> str:
    try:
        key = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        key = keys.generate(ENVIRONMENT)
        private_file.write(path, key + "\n")
    if not FORM.fullmatch(key):
        raise NeedsPerson(f"{path} holds no key: restore it, or remove it and another is made")
    return key


def _project(connection: Connection) -> projects.Project:
    made = projects.create(connection, PROJECT, PLAN) or projects.find(connection, PROJECT)
    if made is None:
        raise NeedsPerson(f"the project {PROJECT!r} was removed while `up` started: start again")
    return made
