"""Two ways to do the same, side by side: runs alternate, so a change of speed meets both."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bench.micro import content
from bench.micro.cases import NOW, encode
from bench.micro.models import checked

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest._native import Encoder

RUNS: Final = 7
EVENTS: Final = 20_000


def alternating(
    first: Callable[[], object], second: Callable[[], object], events: int, total: int = EVENTS
) -> list[tuple[float, float]]:
    """CPU times of one event, each over about `total` of them, seven times; a call has `events`."""
    return [(_cpu_us(first, events, total), _cpu_us(second, events, total)) for _ in range(RUNS)]


def agree(used: Encoder, body: str | bytes) -> bool:
    """Whether the encoder accepts the same events as the oracle, and with the same content."""
    told = content.of_all(event.model_dump() for event in checked(body, NOW)[0])
    return content.of_batches([encode(used, body)]) == told


def with_oracle(
    used: Encoder, body: str | bytes, events: int, total: int = EVENTS
) -> list[tuple[float, float]]:
    """The encoder beside the oracle."""
    return alternating(lambda: encode(used, body), lambda: checked(body, NOW), events, total)


def _cpu_us(run: Callable[[], object], events: int, total: int) -> float:
    rounds = total // events
    start = time.process_time()
    for _ in range(rounds):
        run()
    return (time.process_time() - start) / (rounds * events) * 1e6
