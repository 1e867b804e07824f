"""API keys: made here, kept only as SHA-256; `key_table` loads them for the workers.

A key is told from others by its `key_id`, the start of its hash, which is no secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING, LiteralString

from ingest.store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from ingest.store.session import Connection

# 32 random bytes are 43 characters: guessing one is hopeless, so a plain SHA-256 is enough.
KEY_BYTES = 32
ID_CHARACTERS = 12
NAME_MAX = 100
OF_PROJECT: LiteralString = """
    SELECT key_id, name, created_at, expires_at, revoked_at FROM api_key
    WHERE project_id = %s ORDER BY created_at DESC, key_id
"""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; the key itself nobody knows but who was given it."""

    key_id: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """Say whether it works."""
        if self.revoked_at is not None:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= now
        return "expired" if is_over else "active"


def generate(environment: str) -> str:
    """Make a new key, `wk_<environment>_<43 characters>`; shown once, never stored."""
    return f"wk_{environment}_{token_urlsafe(KEY_BYTES)}"


def digest(key: str) -> bytes:
    """Give what is stored of a key."""
    return sha256(key.encode()).digest()


def identify(key: str) -> str:
    """Give the id of a key, as the table has it."""
    return digest(key).hex()[:ID_CHARACTERS]


def is_name(name: str) -> bool:
    """Say whether a key may be called so; it may have no name."""
    return len(name) <= NAME_MAX and (name.isprintable() or not name)


def insert(
    connection: Connection,
    project_id: UUID,
    key_hash: bytes,
    name: str = "",
    expires_at: datetime | None = None,
) -> bool:
    """Add an active key to a project; False for one that is there, which stays as it is."""
    with translated():
        added = connection.execute(
            "INSERT INTO api_key (key_hash, project_id, name, expires_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (key_hash) DO NOTHING",
            (key_hash, project_id, name, expires_at),
        )
    return added.rowcount == 1


def of_project(connection: Connection, project_id: UUID) -> list[Key]:
    """List a project's keys, revoked ones too, the newest first."""
    with translated():
        return [Key(*row) for row in connection.execute(OF_PROJECT, (project_id,))]


def end_others(connection: Connection, project_id: UUID, key_id: str, at: datetime) -> int:
    """Let all keys of a project but one end at a time, unless they end before; count them."""
    with translated():
        return connection.execute(
            "UPDATE api_key SET expires_at = %s WHERE project_id = %s AND key_id <> %s"
            " AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)",
            (at, project_id, key_id, at),
        ).rowcount


def revoke(connection: Connection, project_id: UUID, key_ids: Sequence[str] | None) -> list[str]:
    """Revoke these keys of a project and give the ids of those found, or all that are left (None).

    One that was revoked before stays so.
    """
    with translated():
        rows = connection.execute(
            "UPDATE api_key SET revoked_at = coalesce(revoked_at, now())"
            " WHERE project_id = %s"
            " AND CASE WHEN %s::text[] IS NULL THEN revoked_at IS NULL ELSE key_id = ANY(%s) END"
            " RETURNING key_id",
            (project_id, key_ids, key_ids),
        )
        return [row[0] for row in rows]
