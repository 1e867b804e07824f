"""Projects: whose events are kept apart, and the plan that bounds each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from ingest.store.errors import translated

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from ingest.store.session import Connection


@dataclass(frozen=True, slots=True)
class Project:
    """One line of the table."""

    project_id: UUID
    name: str
    plan: str
    created_at: datetime


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


def names(connection: Connection) -> dict[UUID, str]:
    """Give the names of all projects."""
    with translated():
        rows = connection.execute("SELECT project_id, name FROM project")
        return {project_id: name for project_id, name in rows}  # noqa: C416 - a cursor of rows
