"""Each alert fires when its fault is there, and no other does: promtool plays the series."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from tests import prometheus
from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = pages.ROOT / "deploy" / "monitoring"
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
SEVERITY = {(rule["alert"], rule["labels"]["severity"]) for rule in RULES}
MINUTES = 240
# A minute a value. What a system that is well tells, under load.
WELL = {
    'up{job="ingest", instance="admin:8081"}': "1x240",
    'ingest_process_up{process="consumer-0"}': "1x240",
    'ingest_process_restarts_total{process="consumer-0"}': "4x240",
    'ingest_ready{part="valkey"}': "1x240",
    "ingest_lag_events": "200x240",
    "ingest_lag_seconds": "0.1x240",
    'ingest_events_settled_total{fate="stored", process="consumer-0"}': "0+6000x240",
    'ingest_shards_stopped{process="consumer-0"}': "0x240",
    "ingest_dead_letters": "0x240",
    "ingest_valkey_fsync": "1x240",
    'ingest_ack_fsync{process="worker-0"}': "1x240",
    "ingest_valkey_full_in_seconds": "86400x240",
    "ingest_valkey_used_bytes": "200x240",
    "ingest_valkey_max_bytes": "1000x240",
    'ingest_back_pressure{code="stream_full", process="worker-0"}': "0x240",
    'ingest_requests_total{route="/v1/events", status="202", process="worker-0"}': "0+600x240",
    'ingest_requests_total{route="/v1/events", status="503", process="worker-0"}': "0+20x240",
    'ingest_requests_total{route="/-/metrics", status="200", process="worker-0"}': "0+60x240",
    'ingest_requests_total{route="/metrics", status="200", process="admin"}': "0+60x240",
    'ingest_requests_refused_total{code="not_found", process="admin"}': "0+600x240",
    'ingest_quota_unchecked_total{process="worker-0"}': "3x240",
    "ingest_partitions_missing": "0x240",
    "ingest_partition_days_ahead": "2x240",
}


class Case(NamedTuple):
    """Series in the place of WELL's (None: none), and what has fired after some minutes."""

    what: str
    changed: dict[str, str | None]
    minutes: int
    fires: tuple[dict[str, str], ...] = ()


def alert(name: str, severity: str = "critical", **labels: str) -> dict[str, str]:
    return {"alertname": name, "severity": severity} | labels


ADMIN = 'up{job="ingest", instance="admin:8081"}'
CONSUMER_UP = 'ingest_process_up{process="consumer-0"}'
RESTARTS = 'ingest_process_restarts_total{process="consumer-0"}'
READY = 'ingest_ready{part="valkey"}'
SETTLED = 'ingest_events_settled_total{fate="stored", process="consumer-0"}'
STOPPED = 'ingest_shards_stopped{process="consumer-0"}'
ACK = 'ingest_ack_fsync{process="worker-0"}'
PRESSURE = 'ingest_back_pressure{code="stream_full", process="worker-0"}'
ACCEPTED = 'ingest_requests_total{route="/v1/events", status="202", process="worker-0"}'
FAILED = 'ingest_requests_total{route="/v1/events", status="503", process="worker-0"}'
UNCHECKED = 'ingest_quota_unchecked_total{process="worker-0"}'
EDGE = 'ingest_requests_refused_total{code="worker_timeout", process="admin"}'
DOWN = alert("IngestAdminDown", job="ingest", instance="admin:8081")
MISSING = "IngestPartitionMissing"

CASES = (
    Case("all is well", {}, MINUTES),
    Case("nothing happens", {SETTLED: "7x240", "ingest_lag_events": "0x240"}, MINUTES),
    Case("admin is down", {ADMIN: "1x9 0x230"}, 12, (DOWN,)),
    Case("one scrape failed", {ADMIN: "1x9 0 1x230"}, 10),
    Case("nobody asks admin", {ADMIN: None}, 12, (alert("IngestAdminDown", job="ingest"),)),
    Case(
        "a consumer is down",
        {CONSUMER_UP: "0x240"},
        2,
        (alert("IngestProcessDown", process="consumer-0"),),
    ),
    Case("a consumer was replaced", {RESTARTS: "4x5 5x240"}, 12),
    Case(
        "a consumer does not stay",
        {RESTARTS: "4 5 6 7 8 8x240"},
        12,
        (alert("IngestProcessRestarting", "warning", process="consumer-0"),),
    ),
    Case("a part is away", {READY: "0x240"}, 3, (alert("IngestNotReady", part="valkey"),)),
    Case("a part was just lost", {READY: "0x240"}, 1),
    Case("nothing is stored", {SETTLED: "7x240"}, 6, (alert("IngestNoDrain"),)),
    Case("no consumer tells anything", {SETTLED: None}, 6, (alert("IngestNoDrain"),)),
    Case(
        "more come than go",
        {"ingest_lag_events": "200+500x240", "ingest_lag_seconds": "31+1x240"},
        20,
        (alert("IngestLagGrowing", "warning"),),
    ),
    Case(
        "a backlog is drained",
        {"ingest_lag_events": "90000-50x240", "ingest_lag_seconds": "300x240"},
        20,
    ),
    Case("a shard stopped", {STOPPED: "1x240"}, 2, (alert("IngestShardStopped"),)),
    Case(
        "a dead letter",
        {"ingest_dead_letters": "1x240"},
        2,
        (alert("IngestDeadLetters", "warning"),),
    ),
    Case(
        "Valkey was set to everysec",
        {"ingest_valkey_fsync": "0x240"},
        2,
        (alert("IngestNotDurable"),),
    ),
    Case("a worker says memory", {ACK: "0x240"}, 2, (alert("IngestNotDurable"),)),
    Case(
        "Valkey is full soon",
        {"ingest_valkey_full_in_seconds": "1700x240"},
        4,
        (alert("IngestValkeyFilling"),),
    ),
    Case(
        "Valkey is nearly full",
        {"ingest_valkey_used_bytes": "800x240"},
        4,
        (alert("IngestValkeyFilling"),),
    ),
    Case("Valkey has no bound", {"ingest_valkey_max_bytes": None}, MINUTES),
    Case(
        "events are refused", {PRESSURE: "1x240"}, 4, (alert("IngestRefusing", code="stream_full"),)
    ),
    Case("events were just refused", {PRESSURE: "1x240"}, 1),
    Case("many failed", {FAILED: "0+60x240"}, 20, (alert("IngestServerErrors", "warning"),)),
    Case(
        "all of the few requests failed",
        {ACCEPTED: "7x240", FAILED: "0+2x240"},
        20,
        (alert("IngestServerErrors", "warning"),),
    ),
    Case(
        "no worker answers the edge",
        {ACCEPTED: "7x240", FAILED: None, EDGE: "0+2x240"},
        20,
        (alert("IngestServerErrors", "warning"),),
    ),
    Case("nobody sends anything", {ACCEPTED: "7x240", FAILED: None}, 20),
    Case(
        "Valkey counts for no plan",
        {UNCHECKED: "0+5x240"},
        10,
        (alert("IngestPlansUnchecked", "warning"),),
    ),
    Case("Valkey counts again", {UNCHECKED: "0 5 5x240"}, 20),
    Case("a partition is late", {"ingest_partitions_missing": "1x240"}, 60),
    Case(
        "a partition is missing",
        {"ingest_partitions_missing": "1x240"},
        130,
        (alert(MISSING, "warning"),),
    ),
    Case("tomorrow has none", {"ingest_partition_days_ahead": "0x240"}, 20, (alert(MISSING),)),
)


def played(case: Case) -> dict[str, Any]:
    """Give a case as promtool's test."""
    series = {name: values for name, values in (WELL | case.changed).items() if values}
    firing = {"__name__": "ALERTS", "alertstate": "firing"}
    return {
        "name": case.what,
        "interval": "1m",
        "input_series": [{"series": name, "values": series[name]} for name in series],
        "promql_expr_test": [
            {
                "expr": 'ALERTS{alertstate="firing"}',
                "eval_time": f"{case.minutes}m",
                "exp_samples": [{"labels": labels(firing | one), "value": 1} for one in case.fires],
            }
        ],
    }


def labels(pairs: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in pairs.items()) + "}"


def promtool(*arguments: str | Path) -> None:
    command = [prometheus.program("promtool"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_rules() -> None:
    promtool("check", "rules", FOLDER / "alerts.yml")


def test_promtool_takes_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    for name in ("prometheus.yml", "alerts.yml"):
        text = (FOLDER / name).read_text().replace("/run/secrets/admin-token", "token")
        (tmp_path / name).write_text(text)
    promtool("check", "config", tmp_path / "prometheus.yml")


def test_each_alert_has_a_case_in_which_it_alone_fires() -> None:
    alone = [case.fires[0] for case in CASES if len(case.fires) == 1]
    assert {(one["alertname"], one["severity"]) for one in alone} == SEVERITY


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_what_fires(case: Case, tmp_path: Path) -> None:
    test = {
        "rule_files": [str(FOLDER / "alerts.yml")],
        "evaluation_interval": "1m",
        "tests": [played(case)],
    }
    (tmp_path / "case.yml").write_text(yaml.safe_dump(test))
    promtool("test", "rules", tmp_path / "case.yml")
