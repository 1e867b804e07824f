"""The curves of the last ten minutes, kept so that a page that is opened shows them at once."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from ingest.admin.figures import History

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ingest.admin.figures import Figures

KEEP_S = 600.0
# A point a second at most.
MAX_POINTS = 601


class Past:
    """A ring of figures; written by one thread, read by any."""

    def __init__(self) -> None:
        self._points: deque[Figures] = deque(maxlen=MAX_POINTS)
        self._lock = threading.Lock()

    def add(self, figures: Figures) -> None:
        """Take the newest, let go of the oldest."""
        with self._lock:
            self._points.append(figures)
            while self._points[0].at < figures.at - KEEP_S:
                self._points.popleft()

    def history(self) -> History:
        """Give the curves."""
        with self._lock:
            points = list(self._points)
        columns = {name: [pick(point) for point in points] for name, pick in _COLUMNS.items()}
        return History(
            at=[point.at for point in points],
            **columns,
            requests_by_status=_by_name(
                points, lambda point: ((k, c.per_s) for k, c in point.requests_by_status.items())
            ),
            cpu_percent=_by_name(
                points, lambda point: ((one.name, one.cpu_percent) for one in point.processes)
            ),
            memory_bytes=_by_name(
                points, lambda point: ((one.name, one.memory_bytes) for one in point.processes)
            ),
        )


_COLUMNS: dict[str, Callable[[Figures], float | None]] = {
    "accepted_per_s": lambda point: point.events.accepted.per_s,
    "stored_per_s": lambda point: point.events.stored.per_s,
    "rejected_per_s": lambda point: point.events.rejected.per_s,
    "requests_per_s": lambda point: point.requests.per_s,
    "request_p50_s": lambda point: point.latency.request.recent.p50,
    "request_p95_s": lambda point: point.latency.request.recent.p95,
    "request_p99_s": lambda point: point.latency.request.recent.p99,
    "freshness_p50_s": lambda point: point.freshness.recent.p50,
    "freshness_p95_s": lambda point: point.freshness.recent.p95,
    "freshness_p99_s": lambda point: point.freshness.recent.p99,
    "lag_entries": lambda point: point.lag.entries,
    "lag_events": lambda point: point.lag.events,
    "oldest_s": lambda point: point.lag.oldest_s,
    "valkey_used_bytes": lambda point: None if point.valkey is None else point.valkey.used_bytes,
    "dead_letters": lambda point: point.dead_letters,
}


def _by_name(
    points: Sequence[Figures],
    pick: Callable[[Figures], Iterable[tuple[str, float | None]]],
) -> dict[str, list[float | None]]:
    """Give a column for each name that any point has."""
    found = [dict(pick(point)) for point in points]
    names = dict.fromkeys(name for each in found for name in each)
    return {name: [each.get(name) for each in found] for name in names}
