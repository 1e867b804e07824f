"""How far a server's clock is from this machine's, and what that means. Asks nothing by itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Ages and lag are wrong by as much; further away, true timestamps begin to be refused.
NOTICEABLE_S = 2.0
WRONG_S = 300.0


def ahead_s(ask: Callable[[], float], clock: Callable[[], float] = time.time) -> float:
    """Give how far ahead a server's unix time is, to half the time that it takes to `ask`."""
    before = clock()
    told = ask()
    return told - (before + clock()) / 2


def described(server: str, ahead: float) -> str:
    """Say it for an operator."""
    side = "ahead of" if ahead > 0 else "behind"
    return f"{server}'s clock is {abs(ahead):.0f} s {side} this machine's: keep both by NTP"
