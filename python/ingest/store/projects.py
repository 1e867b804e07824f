"""Projects: whose events are kept apart, and the plan that bounds each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString
from uuid import uuid4

from ingest.project_id import id_of
from ingest.store.errors import translated

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from ingest.store.session import Connection

NAME_MIN, NAME_MAX = 3, 100
ID_MIN = 32  # the shortest form of an id has its digits alone
PAGE: LiteralString = """
    SELECT project_id, name, plan, created_at,
        (SELECT count(*) FROM api_key AS key
         WHERE key.project_id = project.project_id AND revoked_at IS NULL
         AND (expires_at IS NULL OR expires_at > now()))
    FROM project WHERE name > %s ORDER BY name LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Project:
    """One line of the table."""

    project_id: UUID
    name: str
    plan: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A project in a list, with the number of its keys that work now."""

    project: Project
    active_keys: int


def is_name(name: str) -> bool:
    """Say whether a new project may be called so.

    A blank at an end is one that nobody sees; what reads as an id would pass for another project.
    """
    return may_be_there(name) and name == name.strip() and id_of(name) is None


def may_be_there(name: str) -> bool:
    """Say whether a project can be called so already: older versions took more."""
    return NAME_MIN <= len(name) <= NAME_MAX and name.isprintable()


def create(connection: Connection, name: str, plan: str) -> Project | None:
    """Create a project; None when the name is taken."""
    with translated():
        row = connection.execute(
            "INSERT INTO project (project_id, name, plan) VALUES (%s, %s, %s)"
            " ON CONFLICT (name) DO NOTHING RETURNING project_id, name, plan, created_at",
            (uuid4(), name, plan),
        ).fetchone()
    return Project(*row) if row else None


def find(connection: Connection, name: str) -> Project | None:
    """Find a project by its name."""
    with translated():
        row = connection.execute(
            "SELECT project_id, name, plan, created_at FROM project WHERE name = %s", (name,)
        ).fetchone()
    return Project(*row) if row else None


def look_up(connection: Connection, given: str) -> Project | None:
    """Find a project by its id, or by its name; what reads as an id is never a name."""
    asked = id_of(given)
    if asked is None:
        return find(connection, given) if may_be_there(given) else None
    with translated():
        row = connection.execute(
            "SELECT project_id, name, plan, created_at FROM project WHERE project_id = %s", (asked,)
        ).fetchone()
    return Project(*row) if row else None


def page(connection: Connection, after: str, limit: int) -> list[Listed]:
    """List projects by name, those behind `after` ("": from the first)."""
    with translated():
        rows = connection.execute(PAGE, (after, limit))
        return [Listed(Project(*row[:4]), row[4]) for row in rows]


def plans(connection: Connection) -> frozenset[str]:
    """Give the plans that projects are on."""
    with translated():
        rows = connection.execute("SELECT DISTINCT plan FROM project")
        return frozenset(plan for (plan,) in rows)


def set_plan(connection: Connection, project_id: UUID, plan: str) -> None:
    """Put a project on another plan; every worker knows it with its next poll."""
    with translated():
        connection.execute(
            "UPDATE project SET plan = %s WHERE project_id = %s AND plan <> %s",
            (plan, project_id, plan),
        )


def lock(connection: Connection, project_id: UUID) -> None:
    """Let one transaction at a time change a project and its keys."""
    with translated():
        connection.execute("SELECT FROM project WHERE project_id = %s FOR UPDATE", (project_id,))


def named_like_ids(connection: Connection) -> list[Project]:
    """List projects that older versions let be called like an id: only their ids find them."""
    with translated():
        rows = connection.execute(
            "SELECT project_id, name, plan, created_at FROM project"
            " WHERE length(name) >= %s ORDER BY name",
            (ID_MIN,),
        )
        found = [Project(*row) for row in rows]
    return [project for project in found if id_of(project.name) is not None]


def names(connection: Connection) -> dict[UUID, str]:
    """Give the names of all projects."""
    with translated():
        rows = connection.execute("SELECT project_id, name FROM project")
        return {project_id: name for project_id, name in rows}  # noqa: C416 - a cursor of rows
