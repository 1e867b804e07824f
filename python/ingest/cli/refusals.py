"""What the workers refused since they started, as the admin process adds it up."""

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


@dataclass(frozen=True)
class Refusals:
    """Counts by reason code; a worker that is replaced begins anew, so `since` says from when."""

    since: Mapping[str, str]
    events: Mapping[str, int]
    requests: Mapping[str, int]


def ask(settings: Settings) -> Refusals | str:
    """Ask the admin process of what runs on the data directory; a text says why it can't be."""
    try:
        run_file = servers.running(settings)
        text = AdminClient.of(settings).get("/metrics").decode()
    except IngestError as error:
        return str(error)
    return Refusals(_started(run_file.pids), _counts(text, EVENTS), _counts(text, REQUESTS))


def _started(pids: Mapping[str, int]) -> dict[str, str]:
    workers = {name: pid for name, pid in pids.items() if name.startswith(WORKER)}
    return {name: _start_of(pid) for name, pid in workers.items() if psutil.pid_exists(pid)}


def _start_of(pid: int) -> str:
    started = datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)
    return started.isoformat(timespec="seconds")


def _counts(text: str, name: str) -> dict[str, int]:
    from prometheus_client.parser import text_string_to_metric_families

    samples = [
        sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]
    counts: Counter[str] = Counter()
    for sample in samples:
        counts[sample.labels["code"]] += int(sample.value)
    return dict(counts)
