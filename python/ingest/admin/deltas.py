"""How counters and histograms of all processes have changed between two samples. No IO, no clock.

A process that started in between counts from 0; one that was not asked before counts from now.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from ingest.admin.figures import Count, Quantiles, Spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ingest.admin.sample import Sample
    from ingest.readout import Family, Readout
    from ingest.tally import Labels, Metric, Value


class Deltas:
    """The way from an older sample to a newer one; without an older one there are no rates."""

    def __init__(self, new: Sample, old: Sample | None) -> None:
        self._new = new
        self._old = old
        self.seconds = new.clock - old.clock if old is not None else 0.0

    def counts(self, metric: Metric, key: Callable[[Labels], str]) -> dict[str, Count]:
        """Add series up by a key that is made of their labels."""
        totals: defaultdict[str, float] = defaultdict(int)
        deltas: defaultdict[str, float] = defaultdict(int)
        for labels, new, old in self._series(metric):
            if isinstance(new, int | float) and not isinstance(old, tuple):
                totals[key(labels)] += new
                deltas[key(labels)] += new - (old or 0)
        return {name: Count(total, self._rate(deltas[name])) for name, total in totals.items()}

    def count(self, metric: Metric) -> Count:
        """Add all series up."""
        found = self.counts(metric, lambda _labels: "")
        return found.get("", Count(0, self._rate(0.0)))

    def increase(self, metric: Metric) -> float:
        """Add up by how much all series have grown."""
        return sum(
            new - (old if isinstance(old, int | float) else 0)
            for _, new, old in self._series(metric)
            if isinstance(new, int | float)
        )

    def spread(self, metric: Metric, skip: Callable[[Labels], bool] | None = None) -> Spread:
        """Join all series of a histogram, but those to be skipped."""
        bounds: Sequence[float] = metric.bounds
        total, delta = [0] * (len(bounds) + 1), [0] * (len(bounds) + 1)
        for labels, new, old in self._series(metric):
            is_other = isinstance(new, tuple) and len(new[0]) != len(total)
            if not isinstance(new, tuple) or is_other or (skip is not None and skip(labels)):
                continue
            before = old[0] if isinstance(old, tuple) else [0] * len(total)
            for at, (now, then) in enumerate(zip(new[0], before, strict=True)):
                total[at] += now
                delta[at] += now - then
        return Spread(quantiles(bounds, delta), quantiles(bounds, total))

    def _rate(self, delta: float) -> float | None:
        return round(delta / self.seconds, 3) if self.seconds else None

    def _series(self, metric: Metric) -> Iterator[tuple[Labels, Value, Value | None]]:
        """Give each series' labels, value, and value in the older sample."""
        name = metric.about.name
        for process, new in self._new.readouts.items():
            family = None if new is None else new.family(name)
            if new is None or family is None:
                continue
            before = self._before(process, new, family)
            for labels, value in family.rows:
                yield labels, value, before.get(labels)

    def _before(self, process: str, new: Readout, family: Family) -> dict[Labels, Value]:
        if self._old is None:
            return dict(family.rows)
        old = self._old.readouts.get(process)
        if old is not None and (old.pid, old.started) == (new.pid, new.started):
            found = old.family(family.name)
            return {} if found is None else dict(found.rows)
        return {} if new.started >= self._old.at else dict(family.rows)


def quantiles(bounds: Sequence[float], counts: Sequence[float]) -> Quantiles:
    """Estimate from a histogram's buckets, evenly filled; above the last bound, that bound."""
    whole = sum(counts)
    if not whole:
        return Quantiles()
    below = list(accumulate(counts, initial=0))
    edges = [0.0, *bounds, bounds[-1]]

    def at(share: float) -> float:
        rank = share * whole
        for index, (low, high) in enumerate(pairwise(below)):
            if high >= rank and high > low:
                start, end = edges[index], edges[index + 1]
                return round(start + (end - start) * (rank - low) / (high - low), 7)
        return bounds[-1]

    return Quantiles(whole, at(0.5), at(0.95), at(0.99))
