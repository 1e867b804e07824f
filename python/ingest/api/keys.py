"""Which key belongs to which project: looked up in memory, followed in PostgreSQL.

A request costs no query, whatever key it brings. A thread polls for changes four times a second and
keeps a copy in Valkey, by which a worker starts while PostgreSQL is away.
"""

from __future__ import annotations

import json
import threading
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ingest import log
from ingest.errors import IngestError
from ingest.store.key_table import POLL_S, Grant, KeyTable
from ingest.stream.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping


BEARER = "bearer "


def presented(headers: Mapping[str, str]) -> str | None:
    """Find the key that a request brings: X-Api-Key, or else Authorization: Bearer."""
    key = headers.get("x-api-key")
    if key is not None:
        return key
    authorization = headers.get("authorization", "")
    is_bearer = authorization[: len(BEARER)].lower() == BEARER
    return authorization[len(BEARER) :].strip() if is_bearer else None


class KeyRing:
    """All keys by their SHA-256; replaced as a whole, so that readers need no lock.

    Finding a digest takes a time that tells nothing about a key: who could steer the digest of a
    guess would have broken SHA-256.
    """

    def __init__(self) -> None:
        self._grants: dict[bytes, Grant] | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the keys are known; before that nobody can be told that a key is wrong."""
        return self._grants is not None

    def replace(self, grants: dict[bytes, Grant]) -> None:
        """Use these from now on."""
        self._grants = grants

    def find(self, key: str) -> Grant | None:
        """Give what a key is good for; None for one that nobody was given."""
        return (self._grants or {}).get(sha256(key.encode()).digest())


class KeyFollower(threading.Thread):
    """Keeps a ring up to date until it is stopped."""

    def __init__(self, ring: KeyRing, database_url: str, valkey_url: str) -> None:
        super().__init__(name="keys", daemon=True)
        self._ring = ring
        self._table = KeyTable(database_url)
        self._copy = Snapshot(valkey_url)
        self._unsaved: dict[bytes, Grant] | None = None
        self._stopped = threading.Event()
        self._failure = ""

    def run(self) -> None:
        """Poll again and again; a failure is logged once and tried again."""
        while not self._stopped.is_set():
            self._follow()
            self._stopped.wait(POLL_S)
        self._table.close()
        self._copy.close()

    def stop(self) -> None:
        """End the thread with its present poll."""
        self._stopped.set()

    def _follow(self) -> None:
        failure = ""
        try:
            self._poll()
        except IngestError as error:
            failure = str(error)
            if not self._ring.is_loaded:
                self._start_by_copy()
        if failure and failure != self._failure:
            log.get(__name__).warning("keys can't be followed", reason=failure)
        self._failure = failure

    def _poll(self) -> None:
        grants = self._table.poll()
        if grants is not None:
            self._ring.replace(grants)
            self._unsaved = grants
            log.get(__name__).info("keys loaded", count=len(grants))
        if self._unsaved is not None:
            self._copy.save(_to_text(self._unsaved))
            self._unsaved = None

    def _start_by_copy(self) -> None:
        try:
            grants = _from_text(self._copy.load())
        except IngestError:
            return
        if grants:
            self._ring.replace(grants)
            log.get(__name__).warning("keys loaded from Valkey's copy", count=len(grants))


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


def _from_text(texts: Mapping[str, str]) -> dict[bytes, Grant]:
    return {bytes.fromhex(digest): _grant(json.loads(text)) for digest, text in texts.items()}


def _grant(of: Mapping[str, Any]) -> Grant:
    project_id, ends_s = bytes.fromhex(of["project_id"]), of.get("ends_s")
    return Grant(project_id, of["name"], of["plan"], of["revoked"], ends_s)
