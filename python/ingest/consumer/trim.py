"""Decides what may leave the stream: entries that are committed, and old enough to be let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.consumer.position import START
from ingest.stream.read import Trim, earlier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingest.consumer.assignment import Tenure


class Trimmer:
    """While a shard moves, only whole nodes are let go, which is cheap; at rest the rest too."""

    def __init__(self, keep_s: int) -> None:
        self._keep_ms = keep_s * 1000
        self._last: dict[int, Trim] = {}

    def due(self, tenures: Iterable[Tenure], now_ms: int) -> list[Trim]:
        """Give the trims that would let go of something; `now_ms` is unix time."""
        trims = [self._next(tenure.shard, self._upto(tenure, now_ms)) for tenure in tenures]
        return [trim for trim in trims if trim.upto != START and trim != self._last.get(trim.shard)]

    def done(self, trims: Iterable[Trim]) -> None:
        """Note trims that the server has made."""
        self._last.update((trim.shard, trim) for trim in trims)

    def _upto(self, tenure: Tenure, now_ms: int) -> str:
        if self._keep_ms == 0:
            return tenure.committed
        return earlier(tenure.committed, f"{max(0, now_ms - self._keep_ms)}-0")

    def _next(self, shard: int, upto: str) -> Trim:
        last = self._last.get(shard)
        return Trim(shard, upto, is_exact=last is not None and last.upto == upto)
