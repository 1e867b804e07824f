"""The keys' copy in Valkey as grants: what a worker starts by while PostgreSQL is away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ingest import log
from ingest.errors import IngestError
from ingest.store.key_table import Grant
from ingest.stream.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping


class KeyCopy:
    """The copy over a connection of its own; one thread may save while another loads."""

    def __init__(self, url: str) -> None:
        self._snapshot = Snapshot(url)
        self._saved: dict[bytes, Grant] | None = None
        self._is_told = False

    def load(self) -> dict[bytes, Grant]:
        """Read the copy; empty when there is none, or none that can be read."""
        try:
            return _from_text(self._snapshot.load())
        except IngestError:
            return {}
        except Exception as error:  # noqa: BLE001 - whatever is there, it is no copy
            if not self._is_told:
                log.get(__name__).warning("the keys' copy can't be read", reason=repr(error))
            self._is_told = True
            return {}

    def save(self, grants: dict[bytes, Grant]) -> None:
        """Make the copy equal; raises Retryable when Valkey can't.

        The first time the copy is read whole, after that only what differs is written.
        """
        saved, self._saved = self._saved, None
        if saved is None or self._change(saved, grants) < len(grants):
            self._snapshot.save(_to_text(grants))
        self._saved = grants

    def _change(self, saved: dict[bytes, Grant], grants: dict[bytes, Grant]) -> int:
        """Give how many keys are there then: fewer than ours when Valkey lost some.

        More is no fault: another worker may be ahead.
        """
        # Most are the same objects, and to compare those takes 50 ms of 100,000.
        changed = {
            digest: grant
            for digest, grant in grants.items()
            if (old := saved.get(digest)) is not grant and old != grant
        }
        gone = [digest.hex() for digest in saved.keys() - grants.keys()]
        return self._snapshot.change(_to_text(changed), gone)

    def close(self) -> None:
        """End the connection."""
        self._snapshot.close()


def _to_text(grants: Mapping[bytes, Grant]) -> dict[str, str]:
    return {
        digest.hex(): json.dumps(
            {
                "project_id": grant.project_id.hex(),
                "name": grant.name,
                "plan": grant.plan,
                "revoked": grant.is_revoked,
                "ends_s": grant.ends_s,
            }
        )
        for digest, grant in grants.items()
    }


def _from_text(texts: Mapping[bytes, bytes]) -> dict[bytes, Grant]:
    return {
        bytes.fromhex(digest.decode()): _grant(json.loads(text)) for digest, text in texts.items()
    }


def _grant(of: Mapping[str, Any]) -> Grant:
    """Read one, its types checked: what is of another form must fail here and in no request."""
    project_id, ends_s = UUID(of["project_id"]).bytes, of.get("ends_s")
    ends_s = None if ends_s is None else float(ends_s)
    return Grant(project_id, str(of["name"]), str(of["plan"]), bool(of["revoked"]), ends_s)
