"""Whether PostgreSQL is set up as the pages ask: `faults` break a promise, `advice` does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from ingest.plans import DEFAULT
from ingest.store import migrations, partitions, projects, session
from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Collection

    from ingest.store.session import Connection

OLDEST_VERSION = 14  # the first whose ATTACH PARTITION and detaching do what partitions.py needs
APPLICATION = "ingest check"


def faults(dsn: str) -> list[str]:
    """Say what keeps a promise from being kept; raises when the database can't be reached."""
    with session.connect(dsn, APPLICATION) as connection:
        migrations.check(connection)
        return _version(connection) + _settings(connection)


def advice(dsn: str, ahead_days: int, known_plans: Collection[str]) -> list[str]:
    """Say what works and could be better."""
    with session.connect(dsn, APPLICATION) as connection:
        return [
            *_commits(connection),
            *_partitions(connection, ahead_days),
            *_names(connection),
            *_plans(connection, known_plans),
        ]


def worker_faults(dsn: str) -> list[str]:
    """Say what the workers' role, whose DSN this is, may do beyond reading keys, or may not do."""
    with session.connect(dsn, APPLICATION) as connection, translated():
        powers = connection.execute(_POWERS, {"tables": list(migrations.WORKER_TABLES)}).fetchone()
    role, has_attributes, may_create, too_much, missing = powers or ("", False, False, None, None)
    found = []
    if has_attributes:
        found.append("is a superuser or may make roles, databases or replicas")
    if may_create:
        found.append("may create tables")
    if too_much:
        found.append(f"may read or change {too_much}")
    if missing:
        found.append(f"may not read {missing}: `ingest migrate --worker-role {role}`")
    return [f"PostgreSQL: the workers' role {role} {text}" for text in found]


def clock(dsn: str) -> float:
    """Give the server's unix time."""
    with session.connect(dsn, APPLICATION) as connection, translated():
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    return float(row[0]) if row else 0.0


def _version(connection: Connection) -> list[str]:
    version = connection.info.server_version // 10_000
    if version >= OLDEST_VERSION:
        return []
    return [f"PostgreSQL is version {version}, {OLDEST_VERSION} is the oldest that works"]


def _settings(connection: Connection) -> list[str]:
    found = []
    for name in ("fsync", "full_page_writes"):
        with translated():
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        if row != ("on",):
            found.append(f"PostgreSQL: {name} is off: a crash of the machine loses events")
    return found


def _commits(connection: Connection) -> list[str]:
    """Look at what a session begins with: ours sets it to `on` for itself."""
    with translated():
        row = connection.execute(
            "SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'"
        ).fetchone()
    if row is None or row[0] not in {"off", "local"}:
        return []
    return [f"PostgreSQL: synchronous_commit is {row[0]}; consumers set it to on for themselves"]


def _partitions(connection: Connection, ahead_days: int) -> list[str]:
    wanted = partitions.window(connection, 0, ahead_days)
    missing = sorted(set(wanted) - partitions.existing(connection))
    names = ", ".join(map(partitions.name_of, missing))
    return [f"PostgreSQL: no partition {names}: consumers make them"] if names else []


def _names(connection: Connection) -> list[str]:
    return [
        f"PostgreSQL: the project {one.name!r} is named like an id:"
        f" only its own id, {one.project_id}, finds it"
        for one in projects.named_like_ids(connection)
    ]


def _plans(connection: Connection, known: Collection[str]) -> list[str]:
    return [
        f"PostgreSQL: projects are on the plan {plan!r}, which the settings don't know:"
        f" they are bounded like {DEFAULT}"
        for plan in sorted(projects.plans(connection).difference(known))
    ]


# Of a partition the parent's name says enough.
_POWERS: LiteralString = """
    WITH ours AS (
        SELECT pg_class.oid, relname FROM pg_class
        WHERE relkind IN ('r', 'p') AND NOT relispartition
        AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('project'))
    )
    SELECT current_user::text,
        rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
        (SELECT string_agg(relname, ', ' ORDER BY relname) FROM ours
            WHERE has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
            OR (relname <> ALL (%(tables)s) AND has_table_privilege(oid, 'SELECT'))),
        (SELECT string_agg(relname, ', ' ORDER BY relname) FROM ours
            WHERE relname = ANY (%(tables)s) AND NOT has_table_privilege(oid, 'SELECT'))
    FROM pg_roles WHERE rolname = current_user
"""
