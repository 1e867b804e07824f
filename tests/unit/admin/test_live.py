"""Who watches gets what is published, in order; who is slow loses the oldest, and nobody waits."""

from __future__ import annotations

import gc
import threading

import pytest
from ingest.admin import live
from ingest.admin.live import Hub


def test_a_watcher_gets_its_topics_in_order() -> None:
    hub = Hub()
    watcher = hub.watch({"a", "b"})
    assert next(watcher) == b"retry: 2000\n\n"
    hub.publish("a", {"n": 1})
    hub.publish("c", "not mine")
    hub.publish("b", [2])
    assert next(watcher) == b'event: a\ndata: {"n":1}\n\nevent: b\ndata: [2]\n\n'


def test_text_can_not_make_messages_of_its_own() -> None:
    hub = Hub()
    watcher = hub.watch({"a"})
    next(watcher)
    hub.publish("a", "x\n\nevent: b\ndata: 1\r\r")
    assert next(watcher).count(b"\n") == 3
    assert b"\r" not in next_of(hub, watcher)


def next_of(hub: Hub, watcher: live.Watcher) -> bytes:
    hub.publish("a", "\r")
    return next(watcher)


def test_a_slow_watcher_loses_the_oldest_and_a_quick_one_nothing() -> None:
    hub = Hub()
    slow, quick, heard = hub.watch({"a"}), hub.watch({"a"}), b""
    for number in range(live.MAX_WAITING + 10):
        hub.publish("a", number)
        heard += next(quick)
    assert heard.count(b"event: a") == live.MAX_WAITING + 10
    kept = next(slow)
    assert kept.count(b"event: a") == live.MAX_WAITING
    assert kept.endswith(b"data: %d\n\n" % (live.MAX_WAITING + 9))


def test_nobody_watches_once_the_last_watcher_is_let_go() -> None:
    hub = Hub()
    assert not hub.is_watched("a")
    watcher = hub.watch({"a"})
    assert hub.is_watched("a")
    assert not hub.is_watched("b")
    del watcher
    gc.collect()
    assert not hub.is_watched("a")


def test_silence_is_broken_by_a_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "QUIET_S", 0.01)
    watcher = Hub().watch({"a"})
    assert next(watcher).startswith(b"retry")
    assert next(watcher) == b":\n\n"


def test_the_end_wakes_a_waiting_watcher_and_gives_what_was_left() -> None:
    hub = Hub()
    watcher = hub.watch({"a"})
    rest: list[bytes] = []
    next(watcher)
    thread = threading.Thread(target=lambda: rest.extend(watcher))
    thread.start()
    hub.publish("a", 1)
    watcher.end()
    thread.join(5)
    assert not thread.is_alive()
    assert b"".join(rest) == b"event: a\ndata: 1\n\n"
