"""The pauses between attempts that go on for ever: doubling, bounded, jittered."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from ingest.errors import Retryable

if TYPE_CHECKING:
    from ingest.errors import IngestError

FIRST_S = 0.05
# A restarted server is met within seconds of its return; what a person must mend is asked seldom.
PASSING_MAX_S = 2.0
LASTING_MAX_S = 15.0


class Backoff:
    """One series of failures; a success ends it."""

    def __init__(self) -> None:
        self._pause_s = FIRST_S

    def reset(self) -> None:
        """Note a success."""
        self._pause_s = FIRST_S

    def next_s(self, error: IngestError) -> float:
        """Give the pause after this error; consumers that lost the same server come back spread."""
        longest = PASSING_MAX_S if isinstance(error, Retryable) else LASTING_MAX_S
        pause = min(self._pause_s, longest)
        self._pause_s = min(self._pause_s * 2, LASTING_MAX_S)
        return pause * random.uniform(0.5, 1)  # noqa: S311
