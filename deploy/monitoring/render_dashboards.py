"""Write Grafana's two dashboards: what to ask Prometheus, and how to show it.

Usage: render_dashboards.py, from anywhere; writes worker-health.json and api.json beside itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DATASOURCE = {"type": "prometheus", "uid": "ingest-prometheus"}
SCHEMA_VERSION = 39  # Grafana 11; later ones bring it up to theirs when they load it
COLUMNS = 24
QUANTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))


@dataclass(frozen=True)
class Panel:
    """One plot or figure; `queries` are pairs of PromQL and legend."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    what: str = ""
    kind: str = "timeseries"
    red_above: float | None = None
    red_below: float | None = None

    def render(self, number: int, x: int, y: int, width: int, height: int) -> dict[str, Any]:
        """Give it in Grafana's form."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.what,
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": width, "h": height},
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": self._options(),
            "targets": [
                {
                    "refId": chr(ord("A") + index),
                    "datasource": DATASOURCE,
                    "expr": expression,
                    "legendFormat": legend,
                    "instant": self.kind == "stat",
                    "range": self.kind != "stat",
                }
                for index, (expression, legend) in enumerate(self.queries)
            ],
        }

    def _defaults(self) -> dict[str, Any]:
        steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
        if self.red_above is not None:
            steps.append({"color": "red", "value": self.red_above})
        if self.red_below is not None:
            steps = [
                {"color": "red", "value": None},
                {"color": "green", "value": self.red_below},
            ]
        return {
            "unit": self.unit,
            "min": 0,
            "color": {"mode": "thresholds" if self.kind == "stat" else "palette-classic"},
            "thresholds": {"mode": "absolute", "steps": steps},
            "custom": {} if self.kind == "stat" else {"fillOpacity": 10, "showPoints": "never"},
        }

    def _options(self) -> dict[str, Any]:
        if self.kind == "stat":
            return {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "none"}
        return {"tooltip": {"mode": "multi"}, "legend": {"displayMode": "list"}}


def rate(metric: str, by: str = "") -> str:
    """Ask for a counter's rate over all processes, or one for each value of a label."""
    inner = f"rate({metric}[$__rate_interval])"
    return f"sum by ({by}) ({inner})" if by else f"sum({inner})"


def quantiles(metric: str, name: str = "") -> tuple[tuple[str, str], ...]:
    """Ask for three quantiles of a histogram over all processes."""
    buckets = f"sum by (le) (rate({metric}_bucket[$__rate_interval]))"
    return tuple(
        (f"histogram_quantile({share}, {buckets})", f"{name} {label}".strip())
        for share, label in QUANTILES
    )


def figure(title: str, unit: str, expression: str, **colours: float) -> Panel:
    """Make a panel that shows one number."""
    return Panel(title, unit, ((expression, ""),), kind="stat", **colours)


CPU = "rate(ingest_process_cpu_seconds_total[$__rate_interval])"
SETTLED = "ingest_events_settled_total"
AGE = "time() - max(ingest_last_commit_timestamp_seconds)"

WORKER_HEALTH: tuple[tuple[Panel, ...], ...] = (
    (
        figure("Stored", "cps", rate(f'{SETTLED}{{fate="stored"}}')),
        figure("Waiting events", "short", "max(ingest_lag_events)"),
        figure("Oldest waiting", "s", "max(ingest_lag_seconds)", red_above=30),
        figure("Dead letters", "short", "max(ingest_dead_letters)", red_above=1),
        figure("Processes up", "short", "sum(ingest_process_up)"),
        figure("Parts not ready", "short", "count(ingest_ready == 0) or vector(0)", red_above=1),
        figure("Every 202 on disk", "short", "min(ingest_valkey_fsync)", red_below=1),
        figure("Days with partition", "short", "max(ingest_partition_days_ahead)", red_below=1),
    ),
    (
        Panel(
            "Rate",
            "cps",
            (
                (rate("ingest_events_accepted_total"), "accepted"),
                (rate(SETTLED, "fate"), "{{fate}}"),
            ),
            "Events that workers acknowledged, and what became of them in PostgreSQL.",
        ),
        Panel(
            "Lag",
            "short",
            (
                ("max(ingest_lag_events)", "events"),
                ("max by (shard) (ingest_lag_entries)", "entries of shard {{shard}}"),
            ),
            "Accepted and not committed.",
        ),
    ),
    (
        Panel(
            "Freshness",
            "s",
            quantiles("ingest_freshness_seconds"),
            "From the receipt of an event to its commit.",
        ),
        Panel(
            "Age",
            "s",
            (("max(ingest_lag_seconds)", "oldest waiting event"), (AGE, "since the last commit")),
            "An old commit is well while nothing waits.",
        ),
    ),
    (
        Panel(
            "Dead letters and duplicates",
            "cps",
            (
                (rate(f'{SETTLED}{{fate="dead"}}'), "dead letters"),
                (rate(f'{SETTLED}{{fate="duplicates"}}'), "duplicates"),
            ),
        ),
        Panel(
            "Retries and restarts",
            "cps",
            (
                (rate("ingest_retries_total", "part"), "{{part}}"),
                (rate("ingest_process_restarts_total", "process"), "start of {{process}}"),
            ),
        ),
    ),
    (
        Panel("COPY", "s", quantiles("ingest_copy_seconds")),
        Panel("Commit", "s", quantiles("ingest_commit_seconds")),
        Panel("Reading the stream", "s", quantiles("ingest_read_seconds")),
    ),
    (
        Panel("Events in one transaction", "short", quantiles("ingest_transaction_events")),
        Panel(
            "Valkey's memory",
            "bytes",
            (
                ("max(ingest_valkey_used_bytes)", "used"),
                ("max(ingest_valkey_max_bytes)", "at most"),
            ),
        ),
        Panel(
            "Shards",
            "short",
            (
                ("ingest_shards_owned", "owned by {{process}}"),
                ("ingest_shards_stopped", "stopped at {{process}}"),
            ),
        ),
    ),
)

API: tuple[tuple[Panel, ...], ...] = (
    (
        figure("Requests", "reqps", rate("ingest_requests_total")),
        figure("Events accepted", "cps", rate("ingest_events_accepted_total")),
        figure("Request p99", "s", quantiles("ingest_request_seconds")[2][0]),
        figure("Processor time", "percentunit", f"sum({CPU})"),
        figure("Memory", "bytes", "sum(ingest_process_resident_memory_bytes)"),
        figure("Refusing", "short", "sum(ingest_back_pressure)", red_above=1),
    ),
    (
        Panel(
            "Requests by route", "reqps", ((rate("ingest_requests_total", "route"), "{{route}}"),)
        ),
        Panel(
            "Requests by status",
            "reqps",
            ((rate("ingest_requests_total", "status"), "{{status}}"),),
        ),
    ),
    (
        Panel(
            "Request", "s", quantiles("ingest_request_seconds"), "In the worker, answer included."
        ),
        Panel(
            "Parts of a request",
            "s",
            (
                *quantiles("ingest_group_wait_seconds", "wait for the group")[1:],
                *quantiles("ingest_append_seconds", "append")[1:],
            ),
        ),
    ),
    (
        Panel(
            "Requests refused",
            "reqps",
            ((rate("ingest_requests_refused_total", "code"), "{{code}}"),),
            "As a whole, by workers or the edge; of a flood at the edge the least that it was.",
        ),
        Panel(
            "Events refused",
            "cps",
            ((rate("ingest_events_rejected_total", "code"), "{{code}}"),),
            "One by one, in requests that may have been accepted otherwise.",
        ),
    ),
    (
        Panel(
            "Processor",
            "percentunit",
            ((f"sum by (process) ({CPU})", "{{process}}"),),
            "1 is a core.",
        ),
        Panel("Memory", "bytes", (("ingest_process_resident_memory_bytes", "{{process}}"),)),
    ),
    (
        Panel(
            "Waiting in the workers",
            "bytes",
            (
                ("ingest_queued_bytes", "{{process}}"),
                ("max(ingest_queued_limit_bytes)", "limit of each"),
            ),
        ),
        Panel("Bodies", "Bps", ((rate("ingest_body_bytes_total"), "accepted"),)),
        Panel("Requests in one group", "short", quantiles("ingest_group_requests")),
        Panel(
            "Quota not checked",
            "reqps",
            ((rate("ingest_quota_unchecked_total"), "let through"),),
            "While Valkey's counters can't be asked, plans are not enforced.",
        ),
    ),
)


def dashboard(uid: str, title: str, rows: tuple[tuple[Panel, ...], ...]) -> dict[str, Any]:
    """Lay rows of panels out from the top; each row fills the width."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        width = COLUMNS // len(row)
        height = 4 if row[0].kind == "stat" else 8
        for index, panel in enumerate(row):
            panels.append(panel.render(len(panels) + 1, index * width, y, width, height))
        y += height
    return {
        "uid": uid,
        "title": title,
        "tags": ["ingest"],
        "timezone": "browser",
        "editable": False,
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "graphTooltip": 1,
        "links": [{"type": "dashboards", "title": "ingest", "tags": ["ingest"]}],
        "panels": panels,
    }


FILES = {
    "worker-health.json": dashboard("ingest-worker-health", "Worker health", WORKER_HEALTH),
    "api.json": dashboard("ingest-api", "API", API),
}


def text(name: str) -> str:
    """Give a file's text."""
    return json.dumps(FILES[name], indent=1) + "\n"


if __name__ == "__main__":
    for name in FILES:
        (FOLDER / name).write_text(text(name), encoding="utf-8")
