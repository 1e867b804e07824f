"""How long a first start is waited for: not when only a person can mend it; else it says for what.

Later starts go on for ever, see `supervised`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.errors import NeedsPerson
from ingest.local.process import StartError
from ingest.local.supervised import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingest.local.supervised import Supervised

# Most processes are ready before.
TELL_S = 3.0


class Patience:
    """Of one stage's start; asked again and again while not all of it is ready."""

    def __init__(self, title: str, tell: Callable[[str], None], now: float) -> None:
        self._title = title
        self._tell = tell
        self._due = now + TELL_S
        self._told = ""

    def check(self, children: Sequence[Supervised], now: float) -> None:
        """Tell what the start waits for; StartError or NeedsPerson when it is in vain."""
        for child in children:
            _give_up(child)
        waited_for = [child.process for child in children if child.state is State.STARTING]
        if waited_for and now >= self._due:
            self._due = now + TELL_S
            self._show(waited_for[0].name, waited_for[0].newest_line())

    def _show(self, name: str, newest: str) -> None:
        line = f"starting {self._title}: {name}: {newest}"
        if newest and line != self._told:
            self._told = line
            self._tell(line)


def _give_up(child: Supervised) -> None:
    process = child.process
    if child.state is State.WAITING:
        raise StartError(f"{process.name} did not start{process.last_words()}")
    if child.state is State.STARTING and process.person_needed:
        raise NeedsPerson(f"{process.name} can't start: {process.person_needed}")
