"""The passwords of one data directory: made once, kept 0600, never shown."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Self

from ingest.errors import NeedsPerson
from ingest.local import private_file

if TYPE_CHECKING:
    from pathlib import Path


def _password() -> str:
    return secrets.token_hex(24)


@dataclass(frozen=True, repr=False)
class Credentials:
    """One secret for each role, so that a leaked one opens one door."""

    postgres: str = field(default_factory=_password)
    postgres_ingest: str = field(default_factory=_password)
    postgres_worker: str = field(default_factory=_password)
    valkey_operator: str = field(default_factory=_password)
    valkey_consumer: str = field(default_factory=_password)
    valkey_worker: str = field(default_factory=_password)
    edge_secret: str = field(default_factory=_password)
    admin_token: str = field(default_factory=_password)

    @classmethod
    def keep(cls, path: Path, opens: Path | None = None) -> Self:
        """Read them, or make them when the file is not there; not when what it `opens` is."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            if opens is not None and opens.exists():
                text = f"{path} is missing, and {opens} can't be opened without it"
                raise NeedsPerson(f"{text}: restore it from a backup") from None
            made = cls()
            private_file.write(path, json.dumps(asdict(made), indent=1))
            return made
        except (ValueError, TypeError):
            raise NeedsPerson(f"{path} is damaged: restore it from a backup") from None
