"""What a fault is: something bad with a name, an end, and a time in which all is well again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import random

    from bench.crash.stack import Stack


class NotInjected(Exception):
    """What the fault is about was not there; it does not count."""


class Fault(ABC):
    """One planned fault; what it does by chance is drawn when it is planned."""

    name: ClassVar[str]
    #: After its end (or its begin, see below) everything works again within so many seconds.
    limit_s: ClassVar[float] = 15.0
    #: How long it lasts; (0, 0) for a kill, which has no end.
    hold_s: ClassVar[tuple[float, float]] = (0.0, 0.0)
    #: The system must recover while the fault lasts.
    is_overcome: ClassVar[bool] = False
    #: No other fault at the same time.
    is_alone: ClassVar[bool] = False
    #: A good client notices nothing: no request fails.
    is_unnoticed: ClassVar[bool] = False

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.seconds = round(rng.uniform(*self.hold_s), 1)

    @property
    def label(self) -> str:
        """Describe it with what was drawn."""
        return f"{self.name} {self.seconds:g} s" if self.seconds else self.name

    @abstractmethod
    def inject(self, stack: Stack) -> None:
        """Do it. Raises NotInjected."""

    def heal(self, stack: Stack) -> None:  # noqa: B027 - most faults end by themselves
        """End it; does nothing where there is nothing to end."""
