"""run.json: how to reach a running stack, for people, scripts and tests."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from ingest.errors import NeedsPerson
from ingest.local import private_file

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, repr=False)
class RunFile:
    """There only while everything is ready; replaced in one step when a process is replaced."""

    url: str
    admin_url: str
    admin_token: str
    api_key: str
    dsn: str
    valkey_url: str
    version: str
    pids: dict[str, int]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read it; NeedsPerson when nothing runs on this data directory."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise NeedsPerson(f"nothing is ready in {path.parent}: `ingest up` starts it") from None
        except PermissionError:
            raise NeedsPerson(f"{path} belongs to another user") from None
        except (ValueError, TypeError):
            raise NeedsPerson(f"{path} can't be read by this version") from None

    def write(self, path: Path) -> None:
        """Put it in place, readable by its owner alone."""
        private_file.write(path, json.dumps(asdict(self), indent=1) + "\n")
