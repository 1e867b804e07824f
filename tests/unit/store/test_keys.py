"""Projects and keys: a key is kept as its hash, and only active ones are loaded."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from ingest.store import keys, projects

if TYPE_CHECKING:
    from ingest.store.projects import Project
    from ingest.store.session import Connection


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


def test_a_key_is_kept_once_and_as_its_hash(connection: Connection, project: Project) -> None:
    key = keys.generate("test")
    keys.insert(connection, project.project_id, keys.digest(key))
    keys.insert(connection, project.project_id, keys.digest(key))
    kept = connection.execute("SELECT key_hash, project_id, revoked_at FROM api_key").fetchall()
    assert kept == [(sha256(key.encode()).digest(), project.project_id, None)]
