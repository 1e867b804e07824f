"""Which key belongs to which project: looked up in memory, followed in PostgreSQL.

A request costs no query, whatever key it brings. A thread polls for changes four times a second and
keeps a copy in Valkey, by which a worker starts while PostgreSQL is away.
"""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import TYPE_CHECKING

from ingest import log, readiness
from ingest.api.key_copy import KeyCopy
from ingest.errors import IngestError, NeedsPerson
from ingest.store.key_table import POLL_S, Grant, KeyTable

if TYPE_CHECKING:
    from collections.abc import Mapping

BEARER = "bearer "
# So long PostgreSQL alone is asked: what it says is newer than the copy. One that hangs would keep
# a worker that starts from serving until its connection times out.
HEAD_START_S = 0.5


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
        self._changing = threading.Lock()

    @property
    def is_loaded(self) -> bool:
        """Whether the keys are known; before that nobody can be told that a key is wrong."""
        return self._grants is not None

    def replace(self, grants: dict[bytes, Grant]) -> bool:
        """Use these from now on; tell whether they differ from those before."""
        with self._changing:
            before, self._grants = self._grants, grants
        return grants != before

    def begin(self, grants: dict[bytes, Grant]) -> bool:
        """Use these, which may be older, unless some are known; tell whether they are used."""
        with self._changing:
            is_first = self._grants is None
            if is_first:
                self._grants = grants
        return is_first

    def find(self, key: str) -> Grant | None:
        """Give what a key is good for; None for one that nobody was given."""
        return (self._grants or {}).get(sha256(key.encode()).digest())


class KeyFollower(threading.Thread):
    """Keeps a ring up to date until it is stopped."""

    def __init__(self, ring: KeyRing, database_url: str, valkey_url: str) -> None:
        super().__init__(name="keys", daemon=True)
        self._ring = ring
        self._table = KeyTable(database_url)
        self._copy = KeyCopy(valkey_url)
        self._unsaved: dict[bytes, Grant] | None = None
        self._stopped = threading.Event()
        self._failure = ""

    def run(self) -> None:
        """Poll again and again; a failure is logged once and tried again."""
        stand_in = threading.Timer(HEAD_START_S, self._start_by_copy)
        stand_in.daemon = True
        stand_in.start()
        while not self._stopped.is_set():
            self._follow()
            self._stopped.wait(POLL_S)
        stand_in.cancel()
        self._table.close()
        self._copy.close()

    def stop(self) -> None:
        """End the thread with its present poll."""
        self._stopped.set()

    def _follow(self) -> None:
        """Poll once; whatever goes wrong, this thread must live on."""
        failure, lasting = "", None
        try:
            self._poll()
        except IngestError as error:
            failure, lasting = str(error), error
        except Exception as error:  # noqa: BLE001 - without this thread no key is known again
            failure = repr(error)
        if failure:
            self._start_by_copy()
        if isinstance(lasting, NeedsPerson) and not self._ring.is_loaded:
            readiness.notify(readiness.needs_person(lasting))
        if failure and failure != self._failure:
            log.get(__name__).warning("keys can't be followed", reason=failure)
        self._failure = failure

    def _poll(self) -> None:
        grants = self._table.poll()
        if grants is not None:
            if self._ring.replace(grants):
                log.get(__name__).info("keys loaded", count=len(grants))
            self._unsaved = grants
        if self._unsaved is not None:
            self._copy.save(self._unsaved)
            self._unsaved = None

    def _start_by_copy(self) -> None:
        """Use the copy unless keys are known: a server that hangs gives no error for seconds."""
        grants = {} if self._ring.is_loaded else self._copy.load()
        if grants and self._ring.begin(grants):
            log.get(__name__).warning("keys loaded from Valkey's copy", count=len(grants))
