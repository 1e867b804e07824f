"""Projects and keys: a key is kept as its hash, and may be given an end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from ingest import plans
from ingest.admin.projects import read_project
from ingest.media import Refusal
from ingest.store import issue, keys, projects

if TYPE_CHECKING:
    from ingest.store.projects import Project
    from ingest.store.session import Connection


def forms_of(project_id: UUID) -> list[str]:
    """Write an id in the forms that are read as one."""
    text = str(project_id)
    return [text, text.upper(), project_id.hex, f"{{{text}}}", project_id.urn]


@pytest.fixture
def project(connection: Connection) -> Project:
    made = projects.create(connection, "shop", "pro")
    assert made is not None
    return made


def test_a_key_has_its_form_and_is_never_the_same() -> None:
    made = {keys.generate("test") for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"wk_test_[A-Za-z0-9_-]{43}", key) for key in made)


def test_a_name_is_taken_once(connection: Connection, project: Project) -> None:
    assert projects.create(connection, "shop", "free") is None
    assert projects.find(connection, "shop") == project
    assert projects.find(connection, "other") is None


@pytest.mark.parametrize(
    ("name", "is_new", "is_old"),
    [
        *(("shop", True, True), ("my shop", True, True), ("grüße 😀", True, True)),
        *((" shop", False, True), ("shop ", False, True), ("   ", False, True)),
        *(("ab", False, False), ("x" * 101, False, False), ("", False, False)),
        *(("a\nbc", False, False), ("a\0bc", False, False), ("\u00a0shop", False, False)),
        *(("sh\u200bop", False, False), ("\u202eshop", False, False)),
    ],
)
def test_what_a_project_may_be_called(name: str, is_new: bool, is_old: bool) -> None:
    assert (projects.is_name(name), projects.may_be_there(name)) == (is_new, is_old)


def test_a_project_with_blanks_in_its_name_is_found(connection: Connection) -> None:
    made = projects.create(connection, "   ", "free")
    assert made is not None
    assert projects.look_up(connection, "   ") == made


def test_a_key_is_kept_once_and_as_its_hash(connection: Connection, project: Project) -> None:
    key = keys.generate("test")
    keys.insert(connection, project.project_id, keys.digest(key))
    keys.insert(connection, project.project_id, keys.digest(key))
    kept = connection.execute("SELECT key_hash, project_id, revoked_at FROM api_key").fetchall()
    assert kept == [(sha256(key.encode()).digest(), project.project_id, None)]


def test_a_key_is_known_by_the_start_of_its_hash(connection: Connection) -> None:
    made = issue.with_project(connection, "shop", "pro")
    assert made is not None
    project, issued = made
    assert issued.key.key_id == sha256(issued.api_key.encode()).hexdigest()[:12]
    assert keys.of_project(connection, project.project_id) == [issued.key]
    assert issue.with_project(connection, "shop", "pro") is None


def test_another_key_leaves_the_others_or_gives_them_an_end(
    connection: Connection, project: Project
) -> None:
    for _ in range(2):
        issued = issue.another(connection, project, issue.Wanted("old"))
        assert issued is not None
        assert issued.ended == 0
    now = datetime.now(UTC)
    assert states(connection, project, now) == ["active"] * 2
    last = issue.another(connection, project, issue.Wanted("new", None, 3600))
    assert last is not None
    assert last.ended == 2
    assert states(connection, project, now) == ["active"] * 3
    assert states(connection, project, now + timedelta(hours=2)) == ["active", "expired", "expired"]
    sooner = issue.another(connection, project, issue.Wanted("newer", None, 7200))
    assert sooner is not None
    assert sooner.ended == 1, "an end is never put off"


def test_revoking_stays(connection: Connection, project: Project) -> None:
    first, second = (issue.another(connection, project, issue.Wanted()) for _ in range(2))
    assert first is not None
    assert second is not None
    assert keys.revoke(connection, project.project_id, [first.key.key_id]) == [first.key.key_id]
    revoked_at = by_id(connection, project)[first.key.key_id].revoked_at
    assert keys.revoke(connection, project.project_id, ["0" * 12]) == []
    assert keys.revoke(connection, project.project_id, None) == [second.key.key_id]
    assert keys.revoke(connection, project.project_id, [first.key.key_id]) == [first.key.key_id]
    found = by_id(connection, project)
    assert found[first.key.key_id].revoked_at == revoked_at
    assert found[second.key.key_id].revoked_at is not None


def test_a_project_has_so_many_keys_that_work(connection: Connection, project: Project) -> None:
    for _ in range(issue.MOST_ACTIVE):
        assert issue.another(connection, project, issue.Wanted()) is not None
    assert issue.another(connection, project, issue.Wanted()) is None
    keys.revoke(connection, project.project_id, None)
    assert issue.another(connection, project, issue.Wanted()) is not None


def test_projects_are_listed_page_by_page(connection: Connection, project: Project) -> None:
    made = issue.with_project(connection, "a first one", "free")
    assert made is not None
    first, second = projects.page(connection, "", 2)
    assert (first.project, first.active_keys) == (made[0], 1)
    assert (second.project, second.active_keys) == (project, 0)
    assert projects.page(connection, "a first one", 1) == [second]
    keys.revoke(connection, made[0].project_id, None)
    assert projects.page(connection, "", 1)[0].active_keys == 0


def test_a_project_is_found_by_name_or_id(connection: Connection, project: Project) -> None:
    assert projects.look_up(connection, "shop") == project
    assert projects.look_up(connection, str(project.project_id)) == project
    named = projects.create(connection, str(project.project_id), "free")
    assert named is not None
    for form in forms_of(project.project_id):
        assert projects.look_up(connection, form) == project, "an id is never a name"
    assert projects.look_up(connection, str(named.project_id)) == named
    assert projects.look_up(connection, str(uuid4())) is None
    assert projects.look_up(connection, "x" * 101) is None
    assert projects.look_up(connection, "a\u0000bc") is None


@pytest.mark.parametrize("form", forms_of(UUID(int=10)))
def test_no_new_project_is_named_like_an_id(form: str) -> None:
    assert not projects.is_name(form)
    assert projects.is_name(f"{form}x")
    with pytest.raises(Refusal) as refused:
        read_project({"name": form}, plans.BUILT_IN)
    assert "must not be an id" in refused.value.message


def states(connection: Connection, project: Project, now: datetime) -> list[str]:
    return [key.state(now) for key in keys.of_project(connection, project.project_id)]


def by_id(connection: Connection, project: Project) -> dict[str, keys.Key]:
    return {key.key_id: key for key in keys.of_project(connection, project.project_id)}
