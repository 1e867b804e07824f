"""API keys: made here, kept only as SHA-256; `key_table` loads them for the workers."""

from __future__ import annotations

from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from ingest.store.errors import translated

if TYPE_CHECKING:
    from uuid import UUID

    from ingest.store.session import Connection

# 32 random bytes are 43 characters: guessing one is hopeless, so a plain SHA-256 is enough.
KEY_BYTES = 32


def generate(environment: str) -> str:
    """Make a new key, `wk_<environment>_<43 characters>`; shown once, never stored."""
    return f"wk_{environment}_{token_urlsafe(KEY_BYTES)}"


def digest(key: str) -> bytes:
    """Give what is stored of a key."""
    return sha256(key.encode()).digest()


def insert(connection: Connection, project_id: UUID, key_hash: bytes) -> None:
    """Add an active key to a project; a key that is already there stays as it is."""
    with translated():
        connection.execute(
            "INSERT INTO api_key (key_hash, project_id) VALUES (%s, %s)"
            " ON CONFLICT (key_hash) DO NOTHING",
            (key_hash, project_id),
        )
