"""Which servers a command asks: those of the settings, else those of what runs on the data."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ingest.errors import NeedsPerson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from ingest.local.run_file import RunFile
    from ingest.settings import Settings
    from ingest.store.session import Connection


def database_url(settings: Settings) -> str:
    """Give PostgreSQL's address; NeedsPerson when nothing names one."""
    return settings.database_url or _running(settings, "dsn", "database_url")


def valkey_url(settings: Settings) -> str:
    """Give Valkey's address; NeedsPerson when nothing names one."""
    return settings.valkey_url or _running(settings, "valkey_url", "valkey_url")


@contextmanager
def connected(
    settings: Settings, command: str, lock_timeout_ms: int | None = None
) -> Iterator[Connection]:
    """Connect to PostgreSQL for a command; NeedsPerson when its tables are of another version."""
    from ingest.store import migrations, session

    most_ms = session.LOCK_TIMEOUT_MS if lock_timeout_ms is None else lock_timeout_ms
    with session.connect(database_url(settings), f"ingest {command}", most_ms) as connection:
        migrations.check(connection)
        yield connection


def project_id(connection: Connection, given: str | None) -> UUID | None:
    """Find a project by its name; None when none is asked for, NeedsPerson without it.

    An id is taken as it is: events outlive their project.
    """
    from ingest.project_id import id_of
    from ingest.store import projects

    if given is None:
        return None
    asked = id_of(given)
    if asked is not None:
        return asked
    found = projects.find(connection, given)
    if found is None:
        raise NeedsPerson(f"there is no project {given!r}")
    return found.project_id


def running(settings: Settings) -> RunFile:
    """Read how to reach what runs on the data directory; NeedsPerson when nothing does.

    A supervisor that was killed leaves its run.json behind; the lock goes with it.
    """
    from ingest.local import lock
    from ingest.local.run_file import RunFile

    run_file = RunFile.read(settings.data_dir / "run.json")
    if lock.holder(settings.data_dir / "lock") is None:
        text = f"what ran on {settings.data_dir} is gone without a word: `ingest up` starts it"
        raise NeedsPerson(text)
    return run_file


def _running(settings: Settings, field: str, name: str) -> str:
    try:
        return str(getattr(running(settings), field))
    except NeedsPerson as error:
        raise NeedsPerson(f"{name} is not set and {error}") from None
