"""What workers and the edge refused, as the admin process tells it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil

from ingest.cli import servers
from ingest.cli.admin_client import AdminClient
from ingest.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.settings import Settings

EVENTS, REQUESTS = "ingest_events_rejected_total", "ingest_requests_refused_total"
WORKER = "worker-"
ADMIN = "admin"  # counts for the edge, which has no numbers of its own


@dataclass(frozen=True)
class Refusals:
    """Counts by reason code; a process that is replaced begins anew, so we say from when.

    `events` and `requests` are the workers'; `edge` are requests that no worker saw, as admin has
    heard of them since its own start.
    """

    since: Mapping[str, str]
    events: Mapping[str, int]
    requests: Mapping[str, int]
    edge_since: str
    edge: Mapping[str, int]


def ask(settings: Settings) -> Refusals | str:
    """Ask the admin process of what runs on the data directory; a text says why it can't be."""
    try:
        run_file = servers.running(settings)
        text = AdminClient.of(settings).get("/metrics").decode()
    except IngestError as error:
        return str(error)
    return Refusals(
        since=_started(run_file.pids, WORKER),
        events=_counts(text, EVENTS, WORKER),
        requests=_counts(text, REQUESTS, WORKER),
        edge_since=_started(run_file.pids, ADMIN).get(ADMIN, ""),
        edge=_counts(text, REQUESTS, ADMIN),
    )


def _started(pids: Mapping[str, int], kind: str) -> dict[str, str]:
    found = {name: pid for name, pid in pids.items() if name.startswith(kind)}
    return {name: _start_of(pid) for name, pid in found.items() if psutil.pid_exists(pid)}


def _start_of(pid: int) -> str:
    started = datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)
    return started.isoformat(timespec="seconds")


def _counts(text: str, name: str, kind: str) -> dict[str, int]:
    from prometheus_client.parser import text_string_to_metric_families

    samples = [
        sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels["process"].startswith(kind)
    ]
    counts: Counter[str] = Counter()
    for sample in samples:
        counts[sample.labels["code"]] += int(sample.value)
    return dict(counts)
