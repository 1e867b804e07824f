"""Back-pressure: whether the stream has room, by what was last seen of the server and the disk.

It closes before Valkey would answer OOM and opens again at a lower mark, so that it does not
flutter. A refused client is told to come back when the measured drain will have made that room.
"""

from __future__ import annotations

import math
import random
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest import log
from ingest.errors import StreamRefused

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.settings import Settings
    from ingest.stream.server_state import Drain, ServerState

# Far from the bound a look a second is enough; near it memory can fill faster than that.
CALM_S, NEAR_S = 1.0, 0.1
MIN_RETRY_S, MAX_RETRY_S = 1.0, 30.0
# A burst fills a small server between two looks: what is sent brings the next forward. An eighth
# of what is left, because other workers send too; less than a few entries is not worth a look.
_LEFT_SHARE, _LOOK_BYTES = 1 / 8, 1 << 18
# The drain is trimmed in bursts: a moving average over about the last four seconds.
_AVERAGE_S = 4.0


@dataclass(frozen=True, slots=True)
class RoomPolicy:
    """When the stream counts as full; it never changes while a worker lives."""

    high_ratio: float = 0.85
    resume_ratio: float = 0.75
    max_oldest_s: float = 0
    keep_s: float = 0
    min_free_disk_bytes: int = 0
    disk: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> RoomPolicy:
        """Take the policy out of the settings; the disk counts only where the data lie."""
        return cls(
            settings.stream_high_ratio,
            settings.stream_resume_ratio,
            settings.max_oldest_s,
            settings.stream_keep_s,
            settings.min_free_disk_bytes,
            settings.data_dir,
        )


class Room:
    """What is known now; `see` is told each look, `check` is asked by every request."""

    def __init__(self, policy: RoomPolicy) -> None:
        self._policy = policy
        self._state: ServerState | None = None
        self._seen_at = 0.0
        self._trimmed_per_s = 0.0
        self._refusal: tuple[str, str] | None = None

    @property
    def refusal(self) -> StreamRefused | None:
        """Why nothing is taken at present; a new object for each use."""
        return None if self._refusal is None else StreamRefused(*self._refusal)

    @property
    def look_again_s(self) -> float:
        """How soon the next look is due."""
        is_calm = self._refusal is None and self._filled < self._policy.high_ratio / 2
        return CALM_S if is_calm else NEAR_S

    @property
    def look_again_bytes(self) -> float:
        """After how many bytes sent the next look is due at the latest."""
        state = self._state
        if state is None or state.max_bytes is None:
            return math.inf
        left = self._policy.high_ratio * state.max_bytes - state.used_bytes
        return max(left * _LEFT_SHARE, _LOOK_BYTES)

    def see(self, state: ServerState) -> None:
        """Judge what the server told; changes are logged once."""
        now = time.monotonic()
        self._measure(state, now - self._seen_at)
        before, self._state, self._seen_at = self._state, state, now
        refused, self._refusal = self._refusal, self._judge(state)
        _tell_changes(before, state)
        _tell_refusal(refused, self._refusal)

    def check(self) -> None:
        """Raise StreamRefused while there is no room."""
        if self._refusal is not None:
            raise StreamRefused(*self._refusal)

    def retry_after_s(self) -> float:
        """Tell when the drain will have made room, with jitter; 0 while there is room."""
        if self._refusal is None:
            return 0.0
        seconds = (
            self._entries_to_go() / self._trimmed_per_s if self._trimmed_per_s else MAX_RETRY_S
        )
        return min(max(seconds, MIN_RETRY_S), MAX_RETRY_S) * random.uniform(1, 1.5)  # noqa: S311

    @property
    def _filled(self) -> float:
        state = self._state
        return state.used_bytes / state.max_bytes if state and state.max_bytes else 0.0

    def _judge(self, state: ServerState) -> tuple[str, str] | None:
        if state.fault is not None:
            return "stream_misconfigured", state.fault
        mark = self._policy.resume_ratio if self._refusal else self._policy.high_ratio
        if self._filled >= mark:
            used, most = state.used_bytes >> 20, (state.max_bytes or 0) >> 20
            return "stream_full", f"Valkey holds {used} of {most} MiB"
        unread_s = state.oldest_s - self._policy.keep_s
        if 0 < self._policy.max_oldest_s < unread_s:
            return "overloaded", f"the oldest unread entry waits for {unread_s:.0f} s"
        return self._judge_disk()

    def _judge_disk(self) -> tuple[str, str] | None:
        least, path = self._policy.min_free_disk_bytes, self._policy.disk
        if not least or path is None:
            return None
        try:
            free = shutil.disk_usage(path).free
        except OSError:
            return None  # the servers run elsewhere
        return ("stream_full", f"{free >> 20} MiB of disk are free") if free < least else None

    def _measure(self, state: ServerState, seconds: float) -> None:
        old, new = _drain_of(self._state), _drain_of(state)
        is_same = self._state is not None and self._state.run_id == state.run_id
        if old is None or new is None or not is_same:
            self._trimmed_per_s = 0.0
            return
        rate = max(0, new.trimmed - old.trimmed) / max(seconds, 1e-3)
        weight = min(1.0, seconds / _AVERAGE_S)
        self._trimmed_per_s += (rate - self._trimmed_per_s) * weight

    def _entries_to_go(self) -> float:
        """Count the entries between now and the mark at which it opens again."""
        drain = _drain_of(self._state)
        if drain is None or not self._filled:
            return 0.0
        return drain.entries * max(0.0, 1 - self._policy.resume_ratio / self._filled)


def _drain_of(state: ServerState | None) -> Drain | None:
    return state.drain if state is not None else None


def _tell_changes(before: ServerState | None, now: ServerState) -> None:
    if before is None:
        return
    if before.run_id != now.run_id:
        log.get(__name__).warning("Valkey was restarted or replaced", run_id=now.run_id)
    if before.level is not now.level:
        log.get(__name__).warning("acknowledgements changed", ack=str(now.level))


def _tell_refusal(before: tuple[str, str] | None, now: tuple[str, str] | None) -> None:
    """Log when it closes, opens, or is closed for another reason; not each number on the way."""
    if now is None and before is not None:
        log.get(__name__).warning("events are taken again")
    elif now is not None and (before is None or before[0] != now[0]):
        log.get(__name__).error("events are refused", code=now[0], reason=now[1])
