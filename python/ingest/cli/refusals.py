"""What the workers refused since they started, as the admin process adds it up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil

from ingest.errors import NeedsPerson
from ingest.local.run_file import RunFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.settings import Settings

TIMEOUT_S = 5.0
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
        run_file = RunFile.read(settings.data_dir / "run.json")
        text = _metrics(f"{run_file.admin_url}/metrics", run_file.admin_token)
    except (NeedsPerson, OSError) as error:
        return str(error)
    return Refusals(_started(run_file.pids), _counts(text, EVENTS), _counts(text, REQUESTS))


def _metrics(url: str, token: str) -> str:
    import urllib.request

    # The address is the one that this installation wrote for itself.
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        return str(answer.read().decode())


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
