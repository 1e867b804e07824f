"""The latest refusals of one worker, for whoever looks: what was refused and why, no body, no key.

A flood of refusals costs a count each: only so many a second are noted, and so many are kept.
"""

from __future__ import annotations

import time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import orjson

from ingest.problems import PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingest._native import Batch
    from ingest.store.key_table import Grant

# A note of a batch with three rejected events takes about 1 kB and 20 µs.
KEPT = 200
NOTED_PER_S = 20
EVENTS = 3
MESSAGE_CHARACTERS = 200
ID_CHARACTERS = 64

Note = dict[str, Any]


class Asker(NamedTuple):
    """Who asked for what; `grant` is None when the key is not known."""

    route: str
    headers: Mapping[str, str]
    grant: Grant | None


class RefusalNotes:
    """For one event loop. Numbers only grow, over a restart too, so that a reader can go on."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._notes: deque[Note] = deque(maxlen=KEPT)
        self._number = time.time_ns() // 1000  # exact in a float, too: scripts read it
        self._second = 0
        self._left = NOTED_PER_S
        self.seen = 0

    def note(self, asker: Asker, code: str, status: int, batch: Batch | None = None) -> None:
        """Note a refused request, or an accepted one (202) of which some events were not."""
        self.seen += 1
        now = self._clock()
        if not self._is_noted(int(now)):
            return
        self._number += 1
        grant = asker.grant
        self._notes.append(
            {
                "number": self._number,
                "at": now,
                "request_id": asker.headers.get("x-request-id", "")[:ID_CHARACTERS],
                "project_id": None if grant is None else str(UUID(bytes=grant.project_id)),
                "project": None if grant is None else grant.name,
                "route": asker.route,
                "status": status,
                "code": code,
                "message": _message(code, batch),
                **_events(batch),
            }
        )

    def after(self, number: int) -> list[Note]:
        """Give what was noted after a number, the oldest first."""
        newer = (note for note in reversed(self._notes) if note["number"] > number)
        return [*newer][::-1]

    def _is_noted(self, second: int) -> bool:
        if second != self._second:
            self._second, self._left = second, NOTED_PER_S
        self._left -= 1
        return self._left >= 0


def _message(code: str, batch: Batch | None) -> str:
    if batch is None:
        return PROBLEMS[code].message
    told = orjson.loads(batch.response).get("message", "")
    return str(told)[:MESSAGE_CHARACTERS]


def _events(batch: Batch | None) -> Note:
    if batch is None:
        return {"rejected": 0, "events": []}
    events = [
        {"index": index, "code": code, "field": _cut(field), "message": _cut(message)}
        for index, code, field, message in islice(batch.rejections, EVENTS)
    ]
    return {"rejected": sum(count for _, count in batch.reject_counts), "events": events}


def _cut(text: str) -> str:
    return text[:MESSAGE_CHARACTERS]
