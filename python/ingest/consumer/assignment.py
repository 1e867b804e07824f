"""The shards that this consumer works on now, as its threads see them.

What PostgreSQL says decides; this is a copy for threads that must not ask it. A shard that is lost
and comes back is another tenure, so that what was read under the old one is told apart.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.consumer.position import Position


@dataclass(eq=False, slots=True)
class Tenure:
    """One unbroken ownership of a shard.

    `committed` is moved by the writing thread after a commit and read by the reading thread, which
    trims behind it; replacing a string is atomic. Of the two counts of spans that lie behind it
    each thread writes one.
    """

    shard: int
    start: Position
    committed: str
    read_again: int = 0
    stored_again: int = 0

    @property
    def is_stored_behind(self) -> bool:
        """Whether all that was read again behind the position is stored, so that it may go."""
        return self.read_again == self.stored_again


class Assignment:
    """The present tenures. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tenures: dict[int, Tenure] = {}

    def sync(self, owned: Mapping[int, Position]) -> tuple[list[int], list[int]]:
        """Take over what PostgreSQL says; give the shards that came and those that went."""
        with self._lock:
            went = [shard for shard in self._tenures if shard not in owned]
            came = [shard for shard in owned if shard not in self._tenures]
            for shard in went:
                del self._tenures[shard]
            for shard in came:
                self._tenures[shard] = Tenure(shard, owned[shard], owned[shard].entry_id)
            return came, went

    def drop(self, tenure: Tenure) -> None:
        """End a tenure that turned out to be lost; a later one of the same shard stays."""
        with self._lock:
            if self._tenures.get(tenure.shard) is tenure:
                del self._tenures[tenure.shard]

    def holds(self, tenure: Tenure) -> bool:
        """Say whether the tenure still goes on."""
        with self._lock:
            return self._tenures.get(tenure.shard) is tenure

    def tenures(self) -> list[Tenure]:
        """Give the present tenures."""
        with self._lock:
            return list(self._tenures.values())
