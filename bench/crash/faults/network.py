"""Faults of the network between ingest and its servers, on a link that this experiment owns."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import TYPE_CHECKING

from bench.crash import progress
from bench.crash.faults.fault import Fault, NotInjected
from bench.crash.link import Weather
from bench.crash.stack import until

if TYPE_CHECKING:
    import random

    from bench.crash.link import Link
    from bench.crash.stack import Stack

#: Longer than an append may be under way when nothing is wrong.
QUIET_S = 1.0
DRAINED_S = 30.0
SERVERS = ("PostgreSQL", "Valkey")


class LinkFault(Fault):
    """Changes how one link behaves, until the end."""

    hold_s = (1.0, 8.0)

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.server = rng.choice(SERVERS)

    @property
    def label(self) -> str:
        """Describe it with the server."""
        return f"{super().label} ({self.server})"

    def inject(self, stack: Stack) -> None:
        """Let the weather change."""
        self.link(stack).weather = self.weather()

    def heal(self, stack: Stack) -> None:
        """Let the sun shine."""
        self.link(stack).weather = Weather()

    @abstractmethod
    def weather(self) -> Weather:
        """Give how the link behaves meanwhile."""

    def link(self, stack: Stack) -> Link:
        """Give the link that was drawn."""
        if stack.servers is None:
            raise NotInjected("there is no link to the embedded servers")
        return stack.servers.links[self.server]


class SlowLink(LinkFault):
    """Every piece of data is late."""

    name = "slow link"

    def weather(self) -> Weather:
        """Draw the delay."""
        return Weather(delay_s=self.rng.uniform(0.02, 0.4))


class SilentLink(LinkFault):
    """Nothing arrives, and nobody is told; then everything does."""

    name = "silent link"

    def weather(self) -> Weather:
        """Hold everything back."""
        return Weather(is_silent=True)


class LostLink(SilentLink):
    """Nothing arrives, nobody is told, and then the connections are gone."""

    name = "lost link"

    def heal(self, stack: Stack) -> None:
        """Break them off and let new ones through."""
        self.link(stack).cut()
        super().heal(stack)


class CutLink(LinkFault):
    """Connections are cut again and again, in the middle of what is sent or answered."""

    name = "cut link"

    def weather(self) -> Weather:
        """Draw how often."""
        return Weather(cut_chance=self.rng.uniform(0.005, 0.1))


class ClosedLink(LinkFault):
    """Connections are gone, and new ones refused."""

    name = "closed link"

    def inject(self, stack: Stack) -> None:
        """Close it for those that are there, too."""
        super().inject(stack)
        self.link(stack).cut()

    def weather(self) -> Weather:
        """Refuse."""
        return Weather(is_closed=True)


class ReplaceValkey(Fault):
    """An empty server in the place of the old one, once all that it held is stored."""

    name, is_alone = "replace Valkey", True

    def inject(self, stack: Stack) -> None:
        """Let the clients stand still meanwhile: what is in a lost stream is lost."""
        if stack.servers is None:
            raise NotInjected("the embedded server is the supervisor's")
        shards = progress.shards(stack)
        with stack.paused():
            until(lambda: self._is_quiet(stack, shards), DRAINED_S, "the stream is drained")
            stack.servers.carried = progress.counted(stack, shards)
            stack.servers.replace_valkey()

    def _is_quiet(self, stack: Stack, shards: int) -> bool:
        before = progress.last_ids(stack, shards)
        time.sleep(QUIET_S)
        return before == progress.last_ids(stack, shards) and progress.are_stored(stack, before)


class LongOutage(ClosedLink):
    """A server that is away for up to a minute."""

    name, hold_s, limit_s, is_alone = "long outage", (30.0, 60.0), 30.0, True


FAULTS = (ReplaceValkey, SlowLink, SilentLink, LostLink, CutLink, ClosedLink)
