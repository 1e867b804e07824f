"""What the clients know of each request, joined from all attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bench.crash.journal import ID_BYTES, Answer, Outcome, Sent

if TYPE_CHECKING:
    from collections.abc import Iterable


class Key(NamedTuple):
    """A client and the number of one of its requests."""

    client: int
    request: int


@dataclass(slots=True)
class History:
    """One request: its accepted answers, and whether some attempt's outcome is unknown."""

    events: int
    sent_at: float
    accepted: list[Answer] = field(default_factory=list)
    unanswered: int = 0
    unknown: int = 0

    @property
    def may_be_stored(self) -> bool:
        """Whether rows of it may be there although nobody said so."""
        return bool(self.unknown or self.unanswered)

    def id_of(self, index: int) -> bytes:
        """Give the id that was answered for an acknowledged event; empty if there was none."""
        first = self.accepted[0]
        at = index - sum(rejected < index for rejected in first.rejected)
        return first.ids[at * ID_BYTES : (at + 1) * ID_BYTES]

    @property
    def is_consistent(self) -> bool:
        """Whether each acknowledgement accounts for every event, and all name the same ids."""
        return all(
            len(answer.ids) == ID_BYTES * (self.events - len(answer.rejected))
            and answer.ids == self.accepted[0].ids
            for answer in self.accepted
        )


def join(entries: Iterable[tuple[int, Sent | Answer]]) -> dict[Key, History]:
    """Join the journals' entries by request."""
    histories: dict[Key, History] = {}
    for client, entry in entries:
        key = Key(client, entry.request)
        if isinstance(entry, Sent):
            history = histories.setdefault(key, History(entry.events, entry.at))
            history.unanswered += 1
        else:
            _note(histories[key], entry)
    return histories


def _note(history: History, answer: Answer) -> None:
    history.unanswered -= 1
    if answer.outcome is Outcome.ACCEPTED:
        history.accepted.append(answer)
    history.unknown += answer.outcome is Outcome.UNKNOWN
