"""How long a span is gathered: as long as transactions take, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.settings import Settings

# So many times a transaction's time is waited, so that its fixed cost is a small part.
WRITE_TIMES, LONGEST_S = 4, 0.15


class Linger:
    """How long to wait for more while there are fewer than `rows`.

    It follows the time that transactions take: each costs some milliseconds of CPU whatever it
    holds, so a busy writer is given fewer and larger ones, and an idle one need not wait. Of the
    last two the shorter counts, so that one that a lock or the disk held up makes nobody wait.
    """

    def __init__(self, rows: int, least_s: float) -> None:
        self.rows = rows
        self.seconds = least_s
        self._least_s = least_s
        self._last_s = 0.0

    @classmethod
    def of(cls, settings: Settings) -> Linger:
        """Take it from the settings."""
        return cls(settings.linger_rows, settings.linger_ms / 1000)

    def note(self, write_s: float) -> None:
        """Note how long a transaction took."""
        usual_s = min(write_s, self._last_s)
        self._last_s = write_s
        self.seconds = max(self._least_s, min(WRITE_TIMES * usual_s, LONGEST_S))
