"""Server-sent events: whoever watches gets what is published on the topics that they asked for.

    event: figures            the topic
    data: {...}               JSON on one line

Anybody in this process may publish, from any thread. A watcher that is slow loses its oldest
messages, never anybody's time. Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# Messages that wait for one watcher.
MAX_WAITING = 256
# A comment is sent after so long without a message: it is how a client that left is noticed.
QUIET_S = 10.0
_COMMENT = b":\n\n"
# How long a browser waits before it connects again.
_FIRST = b"retry: 2000\n\n"


class Hub:
    """The topics of one process and who watches them."""

    def __init__(self) -> None:
        self._watchers: weakref.WeakSet[Watcher] = weakref.WeakSet()
        self._lock = threading.Lock()

    def watch(self, topics: Collection[str]) -> Watcher:
        """Begin to watch; it ends when nobody holds the watcher any more."""
        watcher = Watcher(frozenset(topics))
        with self._lock:
            self._watchers.add(watcher)
        return watcher

    def is_watched(self, topic: str) -> bool:
        """Say whether somebody watches: what nobody sees need not be found out."""
        return any(topic in watcher.topics for watcher in self._all())

    def publish(self, topic: str, message: object) -> None:
        """Send a message (anything that orjson writes) to all who watch the topic."""
        watchers = [watcher for watcher in self._all() if topic in watcher.topics]
        if watchers:
            event = b"event: %b\ndata: %b\n\n" % (topic.encode(), orjson.dumps(message))
            for watcher in watchers:
                watcher.give(event)

    def _all(self) -> list[Watcher]:
        with self._lock:
            return list(self._watchers)


class Watcher:
    """One client's messages, as serving's Flow."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self._waiting: deque[bytes] = deque([_FIRST], MAX_WAITING)
        self._changed = threading.Condition()
        self._is_ended = False

    def give(self, event: bytes) -> None:
        """Add a message; the oldest goes when there are too many."""
        with self._changed:
            self._waiting.append(event)
            self._changed.notify()

    def end(self) -> None:
        """End after what waits already."""
        with self._changed:
            self._is_ended = True
            self._changed.notify()

    def __iter__(self) -> Iterator[bytes]:
        """Give itself."""
        return self

    def __next__(self) -> bytes:
        """Wait for messages, at most QUIET_S; all that wait are given at once."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_ended, QUIET_S)
            if not self._waiting:
                if self._is_ended:
                    raise StopIteration
                return _COMMENT
            events = b"".join(self._waiting)
            self._waiting.clear()
            return events
