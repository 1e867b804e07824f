"""Brings a database's tables up to this code: numbered SQL files, forward only, once each.

Each file runs in a transaction of its own with the row that records it. A database that is newer
than the code, or a recorded file that has changed since, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import sql

from ingest.errors import NeedsPerson
from ingest.store import session
from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import LiteralString

    from ingest.store.session import Connection

DIRECTORY = Path(__file__).with_name("sql")
# Two migrations of one database run one after the other. The number says "ingest" in ASCII.
LOCK = int.from_bytes(b"ingest")
WORKER_TABLES = ("project", "api_key", "key_generation", "key_change")


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file: `001_tables.sql` has number 1."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hex."""
        return sha256(self.text.encode()).hexdigest()


def files(directory: Path = DIRECTORY) -> list[Migration]:
    """Read the migrations that this code has, in order."""
    paths = sorted(directory.glob("[0-9][0-9][0-9]_*.sql"))
    return [Migration(int(path.name[:3]), path.stem, path.read_text()) for path in paths]


def migrate(dsn: str, worker_role: str | None = None, directory: Path = DIRECTORY) -> list[str]:
    """Apply what is missing and grant the workers' role, if it exists, its tables; give the names.

    Raises NeedsPerson when the database is newer than the code or a recorded file has changed.
    """
    with session.connect(dsn, "ingest migrate", lock_timeout_ms=0) as connection, translated():
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute(_RECORD)
        missing = _missing(connection, files(directory))
        for migration in missing:
            _apply(connection, migration)
        if worker_role is not None:
            _grant(connection, worker_role)
    return [migration.name for migration in missing]


def check(connection: Connection) -> None:
    """Raise NeedsPerson unless the database is exactly as new as this code."""
    if connection.execute("SELECT to_regclass('migration')").fetchone() == (None,):
        raise NeedsPerson("the database has no tables yet: run `ingest migrate`")
    if missing := _missing(connection, files()):
        raise NeedsPerson(f"the database lacks {missing[0].name}: run `ingest migrate`")


_RECORD: LiteralString = """
    CREATE TABLE IF NOT EXISTS migration (
        number int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


def _missing(connection: Connection, known: Sequence[Migration]) -> list[Migration]:
    rows = connection.execute("SELECT number, name, checksum FROM migration ORDER BY number")
    by_number = {migration.number: migration for migration in known}
    applied = set()
    for number, name, checksum in rows:
        if number not in by_number:
            raise NeedsPerson(f"the database has {name}, which this version lacks: upgrade ingest")
        if by_number[number].checksum != checksum:
            raise NeedsPerson(f"{name} was changed after it was applied: restore the file")
        applied.add(number)
    return [migration for migration in known if migration.number not in applied]


def _apply(connection: Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.text)
        connection.execute(
            "INSERT INTO migration (number, name, checksum) VALUES (%s, %s, %s)",
            (migration.number, migration.name, migration.checksum),
        )


def _grant(connection: Connection, role: str) -> None:
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
        return
    tables = sql.SQL(", ").join(map(sql.Identifier, WORKER_TABLES))
    statement = sql.SQL("GRANT SELECT ON {} TO {}").format(tables, sql.Identifier(role))
    connection.execute(statement)
