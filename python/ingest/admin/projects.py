"""Makes projects: the reference system's POST /api/v1/project, for holders of the admin token."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from ingest.media import Refusal
from ingest.store import keys, projects, session

NAME_MIN, NAME_MAX = 3, 100
PLANS = ("free", "pro", "enterprise", "unlimited")
DEFAULT_PLAN = "free"
KEY_ENVIRONMENT = "live"


class Wanted(NamedTuple):
    """A project that is to be made."""

    name: str
    plan: str


def read(body: str | bytes) -> Wanted:
    """Read the body of a request; Refusal when a field is not valid."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal("invalid_request") from None
    if not isinstance(fields, dict):
        raise Refusal("invalid_request")
    name, plan = fields.get("name"), fields.get("plan", DEFAULT_PLAN)
    if not isinstance(name, str) or not NAME_MIN <= len(name) <= NAME_MAX:
        raise Refusal("invalid_project")
    if not name.isprintable() or plan not in PLANS:
        raise Refusal("invalid_project")
    return Wanted(name, plan)


def make(dsn: str, wanted: Wanted) -> bytes:
    """Make the project and its first key in one transaction; gives the answer's body.

    The key is in it and nowhere else. Refusal when the name is taken; Retryable, NeedsPerson.
    """
    key = keys.generate(KEY_ENVIRONMENT)
    with session.connect(dsn, "ingest admin") as connection, connection.transaction():
        project = projects.create(connection, wanted.name, wanted.plan)
        if project is None:
            raise Refusal("name_taken")
        keys.insert(connection, project.project_id, keys.digest(key))
    return orjson.dumps(
        {
            "project_id": str(project.project_id),
            "name": project.name,
            "plan": project.plan,
            "api_key": key,
            "created_at": project.created_at.isoformat(),
        }
    )
