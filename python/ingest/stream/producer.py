"""Who appended an entry: one producer a worker's start, its entries numbered from 0.

For audit and diagnosis. Nothing is dropped by these numbers: with a high-water mark an entry that
was refused while its follower was stored would be lost when it is sent again.
"""

from __future__ import annotations

import secrets
from itertools import count


class Producer:
    """A random id of 64 bits and the count of the entries made under it."""

    def __init__(self) -> None:
        self.id = secrets.randbits(64)
        self._sequence = count()

    def next_sequence(self) -> int:
        """Give the number of the next entry; one that is sent again keeps its number."""
        return next(self._sequence)
