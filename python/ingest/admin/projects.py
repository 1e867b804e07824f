"""Projects and their keys as the admin API shows and changes them; blocking, without HTTP.

What a request's body may hold is read here; `project_routes` knows where it comes from.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from ingest import plans
from ingest.media import Refusal
from ingest.project_id import id_of
from ingest.store import issue, keys, projects, session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingest.plans import Plan
    from ingest.store.projects import Project
    from ingest.store.session import Connection

Json = dict[str, Any]
PAGE_DEFAULT, PAGE_MAX = 100, 1000
OTHERS_END_MAX_S = 365 * 86_400
# In another time zone the last hours that Python knows are of a year that it does not.
TOO_LATE = datetime(9999, 1, 1, tzinfo=UTC)
KEY_FIELDS = {"name", "expires_at", "others_end_s"}


class Wanted(NamedTuple):
    """A project that is to be made."""

    name: str
    plan: str


def fields_of(body: str | bytes) -> Json:
    """Read a body that must be a JSON object; one that is empty has no fields."""
    try:
        fields = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise Refusal("invalid_request") from None
    if not isinstance(fields, dict):
        raise Refusal("invalid_request")
    return fields


def read_project(fields: Json, known: Mapping[str, Plan]) -> Wanted:
    """Read what a new project is to be; Refusal when a field is not valid."""
    name, plan = fields.get("name"), fields.get("plan", plans.DEFAULT)
    if isinstance(name, str) and id_of(name) is not None:
        raise Refusal("invalid_project", "name must not be an id: it would pass for another's")
    if not isinstance(name, str) or not projects.is_name(name):
        least, most = projects.NAME_MIN, projects.NAME_MAX
        form = f"{least} to {most} printable characters without blanks at its ends"
        raise Refusal("invalid_project", f"name must be {form}")
    return Wanted(name, read_plan(plan, known))


def read_plan(plan: object, known: Mapping[str, Plan]) -> str:
    """Read a plan's name; Refusal when the settings know no such plan."""
    if not isinstance(plan, str) or plan not in known:
        raise Refusal("invalid_project", f"plan must be one of {', '.join(known)}")
    return plan


def read_key(fields: Json) -> issue.Wanted:
    """Read what a new key is to be; Refusal when a field is not valid or not known."""
    if fields.keys() - KEY_FIELDS:
        raise Refusal("invalid_key", f"a key has the fields {', '.join(sorted(KEY_FIELDS))}")
    name, others_end_s = fields.get("name", ""), fields.get("others_end_s")
    if not isinstance(name, str) or not keys.is_name(name):
        most = keys.NAME_MAX
        raise Refusal("invalid_key", f"name must be at most {most} printable characters")
    is_number = isinstance(others_end_s, int) and not isinstance(others_end_s, bool)
    if others_end_s is not None and not (is_number and 0 <= others_end_s <= OTHERS_END_MAX_S):
        raise Refusal("invalid_key", f"others_end_s must be 0 to {OTHERS_END_MAX_S} seconds")
    return issue.Wanted(name, _read_end(fields.get("expires_at")), others_end_s)


class Projects:
    """Each method over a connection of its own; Refusal, Retryable or NeedsPerson."""

    def __init__(self, dsn: str, known_plans: Mapping[str, Plan]) -> None:
        self._dsn = dsn
        self._plans = known_plans

    def plans(self) -> Json:
        """List the plans that the settings know."""
        return {"plans": [{"name": name, **_limits(plan)} for name, plan in self._plans.items()]}

    def page(self, after: str, limit: int) -> Json:
        """List projects by name; `next` is what to ask for the following ones with."""
        with self._connect() as connection:
            listed = projects.page(connection, after, limit)
        shown = [{**_project(one.project), "active_keys": one.active_keys} for one in listed]
        return {"projects": shown, "next": shown[-1]["name"] if len(shown) == limit else None}

    def make(self, fields: Json) -> Json:
        """Make a project and its first key, which is shown only here and works after SPREAD_S."""
        wanted = read_project(fields, self._plans)
        with self._connect() as connection:
            made = issue.with_project(connection, wanted.name, wanted.plan)
        if made is None:
            raise Refusal("name_taken")
        project, issued = made
        whole = {**_project(project), "api_key": issued.api_key}
        order = ("project_id", "name", "plan", "api_key", "created_at")
        return {name: whole[name] for name in order}

    def show(self, given: str) -> Json:
        """Show one project with its limits and keys."""
        return self._with(given, self._whole)

    def set_plan(self, given: str, fields: Json) -> Json:
        """Put a project on another plan."""
        if fields.keys() != {"plan"}:
            raise Refusal("invalid_project", "only the field plan can be changed")
        plan = read_plan(fields["plan"], self._plans)

        def change(connection: Connection, project: Project) -> Json:
            projects.set_plan(connection, project.project_id, plan)
            return self._whole(connection, _found(connection, given))

        return self._with(given, change)

    def keys(self, given: str) -> Json:
        """List a project's keys, the newest first."""
        return self._with(given, lambda connection, project: {"keys": _keys(connection, project)})

    def add_key(self, given: str, fields: Json) -> Json:
        """Add a key, which is shown only here and works after SPREAD_S.

        The others go on working unless told otherwise.
        """
        wanted = read_key(fields)

        def add(connection: Connection, project: Project) -> Json:
            issued = issue.another(connection, project, wanted)
            if issued is None:
                raise Refusal("too_many_keys")
            return {**_key(issued.key), "api_key": issued.api_key, "others_ended": issued.ended}

        return self._with(given, add)

    def revoke(self, given: str, key_id: str | None) -> Json:
        """Revoke one key of a project, or all of them."""

        def revoke(connection: Connection, project: Project) -> Json:
            asked = None if key_id is None else [key_id]
            revoked = keys.revoke(connection, project.project_id, asked)
            if asked and not revoked:
                raise Refusal("key_not_found")
            return {"revoked": revoked}

        return self._with(given, revoke)

    def _with(self, given: str, do: Callable[[Connection, Project], Json]) -> Json:
        with self._connect() as connection:
            return do(connection, _found(connection, given))

    def _whole(self, connection: Connection, project: Project) -> Json:
        plan = self._plans.get(project.plan)
        limits = {"limits": _limits(plan) if plan else None}
        return {**_project(project), **limits, "keys": _keys(connection, project)}

    def _connect(self) -> Connection:
        return session.connect(self._dsn, "ingest admin")


def _found(connection: Connection, given: str) -> Project:
    project = projects.look_up(connection, given)
    if project is None:
        raise Refusal("project_not_found")
    return project


def _read_end(given: object) -> datetime | None:
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not datetime.now(UTC) < at < TOO_LATE:
        raise Refusal(
            "invalid_key",
            f"expires_at must be a time to come before the year {TOO_LATE.year},"
            " as RFC 3339 with an offset",
        )
    return at


def _project(project: Project) -> Json:
    return {
        "project_id": str(project.project_id),
        "name": project.name,
        "plan": project.plan,
        "created_at": project.created_at.isoformat(),
    }


def _limits(plan: Plan) -> Json:
    """Tell a plan's bounds; null bounds nothing."""
    return {name: bound or None for name, bound in plan.model_dump().items()}


def _keys(connection: Connection, project: Project) -> list[Json]:
    return [_key(key) for key in keys.of_project(connection, project.project_id)]


def _key(key: keys.Key) -> Json:
    times = {name: getattr(key, name) for name in ("created_at", "expires_at", "revoked_at")}
    told = {name: at and at.isoformat() for name, at in times.items()}
    return {"key_id": key.key_id, "name": key.name, "state": key.state(datetime.now(UTC)), **told}
