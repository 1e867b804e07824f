"""How long a span is gathered: as long as transactions take, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.settings import Settings

# Of the last transaction's time so much is waited; one that a lock held up makes nobody wait long.
WRITE_TIMES, LONGEST_S = 2, 0.05


class Linger:
    """How long to wait for more while there are fewer than `rows`.

    It follows the time that transactions take: each costs some milliseconds of CPU whatever it
    holds, so a busy writer is given fewer and larger ones, and an idle one need not wait.
    """

    def __init__(self, rows: int, least_s: float) -> None:
        self.rows = rows
        self.seconds = least_s
        self._least_s = least_s

    @classmethod
    def of(cls, settings: Settings) -> Linger:
        """Take it from the settings."""
        return cls(settings.linger_rows, settings.linger_ms / 1000)

    def note(self, write_s: float) -> None:
        """Note how long a transaction took."""
        self.seconds = max(self._least_s, min(WRITE_TIMES * write_s, LONGEST_S))
