"""Every metric: name, unit, meaning and labels. docs/metrics.md shows the same, a test compares.

What a process counts of itself stands first; admin adds the label `process` and what follows, which
it finds out by asking servers and processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.tally import Gauge, Histogram, Tally

if TYPE_CHECKING:
    from ingest.tally import About, Metric

# From a lone append on a fast disk to the end of the patience with a silent server.
_SECONDS = (
    *(0.0001, 0.0002, 0.0003, 0.0005, 0.0007, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.007),
    *(0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 2, 5, 10),
)
_AGES = (
    *(0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7),
    *(1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600),
)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
_BYTES = tuple(1 << power for power in range(8, 25))

REQUESTS = Tally(
    "ingest_requests_total",
    "requests",
    "answered by a worker or by admin; a path that is no route counts as `other`",
    "route",
    "status",
)
REQUEST_SECONDS = Histogram(
    "ingest_request_seconds",
    "s",
    "from the handler's first line to its answer",
    "route",
    bounds=_SECONDS,
)
EVENTS = Tally("ingest_events_accepted_total", "events", "acknowledged with a 202", "route")
REJECTED = Tally("ingest_events_rejected_total", "events", "refused one by one, by reason", "code")
REFUSED = Tally(
    "ingest_requests_refused_total", "requests", "refused as a whole, by reason", "code"
)
UNCHECKED = Tally(
    "ingest_quota_unchecked_total",
    "requests",
    "judged by one worker's own counts because Valkey didn't tell those of all",
)
PLANS_UNCHECKED = Gauge(
    "ingest_plans_unchecked",
    "",
    "1 while a worker holds projects to their plans alone as Valkey doesn't tell of the others",
)
BODY_BYTES = Tally(
    "ingest_body_bytes_total", "bytes", "of the bodies of accepted requests", "route"
)

GROUP_WAIT_SECONDS = Histogram(
    "ingest_group_wait_seconds",
    "s",
    "a request's wait for its group, before anything is sent",
    bounds=_SECONDS,
)
APPEND_SECONDS = Histogram(
    "ingest_append_seconds",
    "s",
    "from writing a group to Valkey's answer, sending again included",
    bounds=_SECONDS,
)
GROUP_REQUESTS = Histogram(
    "ingest_group_requests", "requests", "joined in one group", bounds=_COUNTS
)
GROUP_ENTRIES = Histogram(
    "ingest_group_entries", "entries", "appended by one group", bounds=_COUNTS
)
ENTRY_BYTES = Histogram(
    "ingest_entry_bytes", "bytes", "of one entry as it lies in the stream", bounds=_BYTES
)
ENTRY_EVENTS = Histogram("ingest_entry_events", "events", "in one entry", bounds=_EVENTS)
QUEUED_BYTES = Gauge("ingest_queued_bytes", "bytes", "waiting for the stream or in flight")
QUEUED_LIMIT_BYTES = Gauge(
    "ingest_queued_limit_bytes", "bytes", "above which `overloaded` is answered"
)
BACK_PRESSURE = Gauge(
    "ingest_back_pressure", "", "1 while events are refused for this reason, 0 otherwise", "code"
)
ACK_FSYNC = Gauge("ingest_ack_fsync", "", "1 while answers say `Ingest-Ack: fsync`, 0 for `memory`")

RETRIES = Tally(
    "ingest_retries_total",
    "attempts",
    "made again after a failure: append (workers), start, read, write, lease, fold (consumers)",
    "part",
)

SETTLED = Tally(
    "ingest_events_settled_total", "events", "stored, duplicates or dead: committed", "fate"
)
READ_SECONDS = Histogram(
    "ingest_read_seconds", "s", "a read of the stream that did not wait", bounds=_SECONDS
)
READ_ENTRIES = Tally("ingest_read_entries_total", "entries", "read from the stream")
READ_BYTES = Tally("ingest_read_bytes_total", "bytes", "of the entries read from the stream")
COPY_SECONDS = Histogram("ingest_copy_seconds", "s", "one COPY", bounds=_SECONDS)
COMMIT_SECONDS = Histogram(
    "ingest_commit_seconds", "s", "the ledger and the COMMIT, one round trip", bounds=_SECONDS
)
WRITE_SECONDS = Histogram(
    "ingest_write_seconds",
    "s",
    "from taking what one transaction stores to its commit, retries included",
    bounds=_SECONDS,
)
TRANSACTION_EVENTS = Histogram(
    "ingest_transaction_events", "events", "in one transaction", bounds=_EVENTS
)
TRANSACTION_BYTES = Histogram(
    "ingest_transaction_bytes", "bytes", "of the tuples of one transaction", bounds=_BYTES
)
FRESHNESS_SECONDS = Histogram(
    "ingest_freshness_seconds",
    "s",
    "of each event, from the receipt of its entry's first to the commit",
    bounds=_AGES,
)
SHARDS_OWNED = Gauge("ingest_shards_owned", "shards", "that this consumer's lease covers")
SHARDS_STOPPED = Gauge(
    "ingest_shards_stopped", "shards", "that wait for a newer consumer to read their next entry"
)
LAST_COMMIT = Gauge(
    "ingest_last_commit_timestamp_seconds", "s", "unix time of the last commit; none before it"
)

LAG_ENTRIES = Gauge(
    "ingest_lag_entries",
    "entries",
    "in the stream and not committed; some of the last 0.2 s too many under load",
    "shard",
    is_own=False,
)
LAG_EVENTS = Gauge("ingest_lag_events", "events", "accepted and not committed", is_own=False)
LAG_SECONDS = Gauge(
    "ingest_lag_seconds", "s", "age of the oldest entry that is not committed", is_own=False
)
DEAD_LETTERS = Gauge(
    "ingest_dead_letters", "letters", "in the table now; counted up to 100,000", is_own=False
)
VALKEY_USED_BYTES = Gauge("ingest_valkey_used_bytes", "bytes", "that Valkey holds", is_own=False)
VALKEY_MAX_BYTES = Gauge(
    "ingest_valkey_max_bytes",
    "bytes",
    "that Valkey may hold; none when it has no bound",
    is_own=False,
)
VALKEY_FULL_IN_SECONDS = Gauge(
    "ingest_valkey_full_in_seconds",
    "s",
    "until `stream_full` is answered, at the last minute's rate; +Inf above a day, none if unknown",
    is_own=False,
)
VALKEY_FSYNC = Gauge(
    "ingest_valkey_fsync",
    "",
    "1 while Valkey's settings, as admin reads them, make every append durable",
    is_own=False,
)
PARTITION_DAYS_AHEAD = Gauge(
    "ingest_partition_days_ahead", "days", "after today that have a partition", is_own=False
)
PARTITIONS_MISSING = Gauge(
    "ingest_partitions_missing",
    "days",
    "from today to `partitions_ahead_days` that have none",
    is_own=False,
)
READY = Gauge(
    "ingest_ready", "", "1 while a part of /readyz is ready, 0 otherwise", "part", is_own=False
)
PROCESS_UP = Gauge("ingest_process_up", "", "1 while it answers or runs", "process", is_own=False)
PROCESS_CPU_SECONDS = Tally(
    "ingest_process_cpu_seconds_total",
    "s",
    "user and system, children included",
    "process",
    is_own=False,
)
PROCESS_MEMORY_BYTES = Gauge(
    "ingest_process_resident_memory_bytes",
    "bytes",
    "resident, children included, shared pages of PostgreSQL counted once",
    "process",
    is_own=False,
)
PROCESS_START = Gauge(
    "ingest_process_start_time_seconds", "s", "unix time of its start", "process", is_own=False
)
PROCESS_RESTARTS = Tally(
    "ingest_process_restarts_total",
    "starts",
    "after the first: by the supervisor, or as admin saw them",
    "process",
    is_own=False,
)
BUILD = Gauge("ingest_build_info", "", "1, with the version of admin", "version", is_own=False)

ALL: tuple[Metric, ...] = tuple(
    one for one in globals().values() if isinstance(one, Tally | Gauge | Histogram)
)


def table() -> list[About]:
    """List all in the order of this file."""
    return [metric.about for metric in ALL]
