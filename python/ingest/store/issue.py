"""Gives out keys: the first one with its project, further ones beside those that work.

The key's text is in the result and nowhere else: whoever asked shows it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ingest.store import keys, projects
from ingest.store.errors import translated

if TYPE_CHECKING:
    from ingest.store.projects import Project
    from ingest.store.session import Connection

ENVIRONMENT = "live"
# All keys are in every worker's memory, and rotation needs two.
MOST_ACTIVE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key that is to be made: what people call it, when it ends, when the others end."""

    name: str = ""
    expires_at: datetime | None = None
    others_end_s: int | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key, and how many others have an end now."""

    api_key: str
    key: keys.Key
    ended: int = 0


def with_project(connection: Connection, name: str, plan: str) -> tuple[Project, Issued] | None:
    """Make a project and its first key in one transaction; None when the name is taken."""
    with translated(), connection.transaction():
        project = projects.create(connection, name, plan)
        return None if project is None else (project, _add(connection, project, Wanted()))


def another(connection: Connection, project: Project, wanted: Wanted) -> Issued | None:
    """Add a key to a project, and give its others an end if asked; None when it has too many."""
    with translated(), connection.transaction():
        projects.lock(connection, project.project_id)
        now = datetime.now(UTC)
        known = keys.of_project(connection, project.project_id)
        if sum(key.state(now) == "active" for key in known) >= MOST_ACTIVE:
            return None
        return _add(connection, project, wanted)


def _add(connection: Connection, project: Project, wanted: Wanted) -> Issued:
    api_key = keys.generate(ENVIRONMENT)
    project_id, key_id = project.project_id, keys.identify(api_key)
    ended = 0
    if wanted.others_end_s is not None:
        # First: who inserts holds up every other change, also one that holds a row of these.
        at = datetime.now(UTC) + timedelta(seconds=wanted.others_end_s)
        ended = keys.end_others(connection, project_id, key_id, at)
    keys.insert(connection, project_id, keys.digest(api_key), wanted.name, wanted.expires_at)
    (key,) = [one for one in keys.of_project(connection, project_id) if one.key_id == key_id]
    return Issued(api_key, key, ended)
