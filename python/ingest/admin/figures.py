"""What people are shown, as one JSON object: GET /api/v1/figures, and once a second in the stream.

The dashboard and `ingest status` read this and nothing else. A value that can't be known is null;
nothing is made up. Times are seconds, `at` is unix time, rates are those of the last two seconds
(five while nobody looks), quantiles those of `window_s`, about ten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ProcessState: TypeAlias = Literal["running", "starting", "waiting", "silent", "gone"]


@dataclass(frozen=True, slots=True)
class Count:
    """Something that is counted; `total` since each process that counts it started."""

    total: float = 0
    per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Quantiles:
    """How a time is spread, as exact as its histogram's buckets; null without values."""

    count: float = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """A time in the last `window_s` and since the processes started."""

    recent: Quantiles = field(default_factory=Quantiles)
    since_start: Quantiles = field(default_factory=Quantiles)


@dataclass(frozen=True, slots=True)
class Events:
    """Events on their way: into the stream, and what became of them in PostgreSQL."""

    accepted: Count = field(default_factory=Count)
    rejected: Count = field(default_factory=Count)
    stored: Count = field(default_factory=Count)
    duplicates: Count = field(default_factory=Count)
    dead: Count = field(default_factory=Count)


@dataclass(frozen=True, slots=True)
class Latencies:
    """Where time goes: a request and its parts, then a transaction and its parts."""

    request: Spread = field(default_factory=Spread)
    group_wait: Spread = field(default_factory=Spread)
    append: Spread = field(default_factory=Spread)
    read: Spread = field(default_factory=Spread)
    copy: Spread = field(default_factory=Spread)
    commit: Spread = field(default_factory=Spread)
    write: Spread = field(default_factory=Spread)


@dataclass(frozen=True, slots=True)
class Lag:
    """What is accepted and not committed yet.

    While PostgreSQL is away this is behind what it told last. Null when Valkey can't be asked, or
    PostgreSQL could not be since the admin process started.
    """

    entries: int | None = None
    events: int | None = None
    oldest_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refusing:
    """A worker that takes nothing at present, and the code that its clients are told."""

    process: str
    code: str


@dataclass(frozen=True, slots=True)
class Valkey:
    """The stream's server, full at `refusing_at_bytes`.

    `full_in_s`, at the last minute's rate, is 86400 from a day on and null while it is unknown:
    without a bound, or while nothing was known a minute ago. `ack` is what its settings let answers
    promise.
    """

    used_bytes: int
    max_bytes: int | None
    refusing_at_bytes: int | None
    full_in_s: float | None
    ack: Literal["fsync", "memory"]


@dataclass(frozen=True, slots=True)
class Partitions:
    """Days (UTC) after today that have a partition, and days that should have one and don't."""

    days_ahead: int
    missing: Sequence[str]


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """One process, children included.

    `state`: running; starting or waiting to be started again (told by the supervisor); silent when
    its private port does not answer; gone. `cpu_percent` is of one core, over `window_s`.
    """

    name: str
    state: ProcessState
    pid: int | None = None
    cpu_percent: float | None = None
    memory_bytes: int | None = None
    restarts: int | None = None
    uptime_s: float | None = None


@dataclass(frozen=True, slots=True)
class PartFigures:
    """One part of /readyz: `reason` says why it is not ready, and is empty while it is.

    `warning` says what a person should see to though it works.
    """

    name: str
    reason: str
    detail: str
    warning: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """Counts by reason code."""

    events: Mapping[str, Count]
    requests: Mapping[str, Count]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything at one moment. `refusals` and `requests_by_status` are by code and by status.

    `refusals.events` were refused one by one in requests that may have been accepted otherwise,
    `refusals.requests` as a whole.
    """

    at: float
    version: str
    window_s: float
    events: Events
    requests: Count
    requests_by_status: Mapping[str, Count]
    refusals: Refusals
    latency: Latencies
    freshness: Spread
    lag: Lag
    refusing: Sequence[Refusing]
    ack: Literal["fsync", "memory"] | None
    valkey: Valkey | None
    partitions: Partitions | None
    dead_letters: int | None
    processes: Sequence[ProcessFigures]
    parts: Sequence[PartFigures]


@dataclass(frozen=True, slots=True)
class History:
    """Curves of the last ten minutes, a point a second: GET /api/v1/figures/history.

    Columns of one length, the newest last; null where a value was not known. A process's CPU is in
    percent of a core, by its name.
    """

    at: Sequence[float]
    accepted_per_s: Sequence[float | None]
    stored_per_s: Sequence[float | None]
    rejected_per_s: Sequence[float | None]
    requests_per_s: Sequence[float | None]
    requests_by_status: Mapping[str, Sequence[float | None]]
    request_p50_s: Sequence[float | None]
    request_p95_s: Sequence[float | None]
    request_p99_s: Sequence[float | None]
    freshness_p50_s: Sequence[float | None]
    freshness_p95_s: Sequence[float | None]
    freshness_p99_s: Sequence[float | None]
    lag_entries: Sequence[float | None]
    lag_events: Sequence[float | None]
    oldest_s: Sequence[float | None]
    valkey_used_bytes: Sequence[float | None]
    dead_letters: Sequence[float | None]
    cpu_percent: Mapping[str, Sequence[float | None]]
    memory_bytes: Mapping[str, Sequence[float | None]]
