"""Publishes what the workers refused just now, while somebody watches.

    topic refusals   {"refusals": [...], "passed": n}   n were refused since the message before
    topic events     {"events": [], "passed": n}        n were accepted; the event feed shows some

A worker notes only some of a flood, so there may be more that passed than are shown.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from ingest.admin import event_feed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingest.admin.audience import Audience
    from ingest.admin.processes import Processes, Told

TOPIC = "refusals"
EVERY_S = 0.5
OK_STATUS = 200

Note = dict[str, Any]


class Counts(NamedTuple):
    """What one worker counted since it started."""

    accepted: int
    refused: int


class RefusalFeed:
    """One thread that asks the workers twice a second while somebody watches, else nobody."""

    def __init__(self, processes: Processes, hub: Audience) -> None:
        self._processes = processes
        self._hub = hub
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refusal feed", daemon=True)

    def start(self) -> None:
        """Begin to look whether somebody watches."""
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    def _run(self) -> None:
        reading: Reading | None = None
        while not self._stop.wait(EVERY_S):
            if not self._is_watched():
                reading = None
            elif reading is None:
                reading = Reading(self._processes)
                reading.next()  # what was before is nothing that comes
            else:
                notes, passed = reading.next()
                self._publish(notes, passed)

    def _is_watched(self) -> bool:
        return self._hub.is_watched(TOPIC) or self._hub.is_watched(event_feed.TOPIC)

    def _publish(self, notes: list[Note], passed: Counts) -> None:
        if passed.refused or notes:
            self._hub.publish(TOPIC, {"refusals": notes, "passed": passed.refused})
        if passed.accepted:
            self._hub.publish(event_feed.TOPIC, {"events": [], "passed": passed.accepted})


class Reading:
    """Goes on, for each worker, behind what it told last."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._last: dict[str, int] = {}
        self._counts: dict[str, Counts] = {}

    def next(self) -> tuple[list[Note], Counts]:
        """Ask all workers; give new notes in the order of their times, and what passed."""
        notes: list[Note] = []
        passed: list[Counts] = []
        for told in self._ask():
            answer = _answer(told)
            if answer is not None:
                notes += [{"process": told.process} | note for note in answer["notes"]]
                passed.append(self._passed(told.process, answer))
        notes.sort(key=lambda note: note["at"])
        return notes, Counts(*map(sum, zip(*passed, strict=True))) if passed else Counts(0, 0)

    def _ask(self) -> Iterable[Told]:
        workers = [name for name in self._processes.urls if name.startswith("worker-")]
        return self._processes.ask_each(
            {name: f"/-/refusals?after={self._last.get(name, 0)}" for name in workers}
        )

    def _passed(self, process: str, answer: dict[str, Any]) -> Counts:
        """Give what a worker counted since it was asked last; one that is new began at 0."""
        counts = Counts(answer["accepted"], answer["refused"])
        before = self._counts.get(process, counts)
        self._counts[process] = counts
        if answer["notes"]:
            self._last[process] = answer["notes"][-1]["number"]
        is_same = counts.accepted >= before.accepted and counts.refused >= before.refused
        if not is_same:
            return counts
        return Counts(counts.accepted - before.accepted, counts.refused - before.refused)


def _answer(told: Told) -> dict[str, Any] | None:
    if told.status != OK_STATUS:
        return None
    try:
        answer: dict[str, Any] = orjson.loads(told.text)
        return answer if {"notes", "accepted", "refused"} <= answer.keys() else None
    except orjson.JSONDecodeError:
        return None
