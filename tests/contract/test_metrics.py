"""What a live system's /metrics tells: all that the page documents, nothing else, and true."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import psycopg
import pytest
from ingest import metrics
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.wire import NATIVE, SINGLE, good, head, packed, post, send
from tests.running import until

if TYPE_CHECKING:
    from prometheus_client import Metric

    from tests.running import Running

STORED_S, EDGE_S = 20.0, 2.0


def families(stack: Running) -> dict[str, Metric]:
    answer = httpx.get(
        f"{stack.run.admin_url}/metrics",
        headers={"Authorization": f"Bearer {stack.run.admin_token}"},
        timeout=20,
    )
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(stack: Running, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in families(stack).values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_every_documented_metric_is_there_and_no_other(stack: Running) -> None:
    assert post(stack, {"event_type": "?"}).status == 422
    until(lambda: value(stack, "ingest_events_settled_total") > 0, STORED_S, "a commit")
    told = families(stack)
    shown = {
        (
            family.name + ("_total" if family.type == "counter" else ""),
            family.type,
            frozenset(name for name in family.samples[0].labels if name != "le"),
        )
        for family in told.values()
    }
    assert shown == {
        (about.name, about.kind, frozenset((*about.labels, *(["process"] if about.is_own else []))))
        for about in metrics.table()
    }


def test_a_request_is_counted_on_its_whole_way(stack: Running) -> None:
    names = {
        "ingest_requests_total": {"route": SINGLE, "status": "202"},
        "ingest_request_seconds_count": {"route": SINGLE},
        "ingest_events_accepted_total": {"route": SINGLE},
        "ingest_group_wait_seconds_count": {},
        "ingest_entry_events_sum": {},
        "ingest_events_settled_total": {"fate": "stored"},
        "ingest_freshness_seconds_count": {},
        "ingest_transaction_events_sum": {},
    }
    settle(stack)
    before = {name: value(stack, name, **labels) for name, labels in names.items()}
    body = packed(good())
    length = value(stack, "ingest_body_bytes_total", route=SINGLE)
    for _ in range(7):
        assert post(stack, body, SINGLE).status == 202
    settle(stack)
    assert {
        name: value(stack, name, **labels) - before[name] for name, labels in names.items()
    } == dict.fromkeys(names, 7)
    assert value(stack, "ingest_body_bytes_total", route=SINGLE) == length + 7 * len(body)


def settle(stack: Running) -> None:
    """Wait until nothing waits and what was committed is counted.

    Totals are not compared: of an unknown outcome the commit is counted and the answer is not.
    """
    until(lambda: value(stack, "ingest_lag_events") == 0, STORED_S, "all committed")
    seen = [-1.0]

    def is_steady() -> bool:
        seen.append(value(stack, "ingest_events_settled_total"))
        return seen[-1] == seen[-2]

    until(is_steady, STORED_S, "all counted")


def test_a_second_copy_is_a_duplicate(stack: Running) -> None:
    copies = good(event_id=str(uuid4()))
    before = value(stack, "ingest_events_settled_total", fate="duplicates")
    for _ in range(3):
        assert post(stack, copies).status == 202
    settle(stack)
    assert value(stack, "ingest_events_settled_total", fate="duplicates") == before + 2


def test_what_is_refused_is_counted_by_its_code(stack: Running) -> None:
    before = [value(stack, "ingest_requests_refused_total", code=code) for code in REFUSED]
    assert post(stack, b"{").code == "malformed_json"
    assert post(stack, good(), X_Api_Key="wk_live_" + "x" * 43).code == "unauthorized"
    after = [value(stack, "ingest_requests_refused_total", code=code) for code in REFUSED]
    assert after == [count + 1 for count in before]
    assert value(stack, "ingest_requests_total", route=NATIVE, status="401") >= 1


REFUSED = ("malformed_json", "unauthorized")
POST = {"Host": "x", "X-Api-Key": "wk_live_" + "x" * 43}


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        ("bad_request", b"what?\r\n\r\n"),
        ("unauthorized", head("POST", NATIVE, {"Host": "x", "Content-Length": "0"})),
        ("not_found", head("GET", "/v2", {"Host": "x"})),
        ("method_not_allowed", head("GET", NATIVE, {"Host": "x"})),
        ("length_required", head("POST", NATIVE, POST)),
        ("body_too_large", head("POST", NATIVE, POST | {"Content-Length": "99999999"})),
        ("head_too_large", head("POST", NATIVE, POST | {"X-Long": "x" * 9000})),
        ("uri_too_long", head("GET", "/" + "x" * 9000, {"Host": "x"})),
    ],
)
def test_what_the_edge_refuses_by_itself_is_counted_by_the_code_of_its_answer(
    stack: Running, code: str, sent: bytes
) -> None:
    before = counted(stack)
    assert send(stack, sent).code == code
    until(lambda: counted(stack) != before, EDGE_S, "counted")
    assert counted(stack) == before | {code: before.get(code, 0) + 1}


def test_what_a_worker_answers_is_not_counted_for_the_edge_too(stack: Running) -> None:
    before = counted(stack)
    assert post(stack, good()).status == 202
    assert post(stack, b"{").status == 400
    # Datagrams come in their order: this one is behind what the two before had told.
    assert send(stack, head("GET", "/v2", {"Host": "x"})).status == 404
    until(lambda: counted(stack) != before, EDGE_S, "counted")
    assert counted(stack) == before | {"not_found": before.get("not_found", 0) + 1}


def test_the_supervisor_asking_the_edge_is_no_refusal(stack: Running) -> None:
    before = counted(stack)
    assert send(stack, head("GET", "/-/edge", {"Host": "x"})).status == 404
    assert send(stack, head("GET", NATIVE, {"Host": "x"})).code == "method_not_allowed"
    until(lambda: counted(stack) != before, EDGE_S, "counted")
    assert counted(stack).get("not_found", 0) == before.get("not_found", 0)


def counted(stack: Running) -> dict[str, float]:
    """What the edge has told admin, by code."""
    refused = families(stack).get("ingest_requests_refused")
    return {
        sample.labels["code"]: sample.value
        for sample in (refused.samples if refused else ())
        if sample.labels["process"] == "admin"
    }


def test_the_lag_is_what_is_not_committed(stack: Running) -> None:
    """While a consumer waits for a lock, entries, events and age grow; then they are 0 again."""
    settle(stack)
    with psycopg.connect(stack.run.dsn) as connection:
        connection.execute("LOCK TABLE ledger IN EXCLUSIVE MODE")
        for _ in range(5):
            assert post(stack, good()).status == 202
        until(lambda: value(stack, "ingest_lag_events") == 5, STORED_S, "5 events wait")
        assert 1 <= value(stack, "ingest_lag_entries") <= 5
        until(lambda: value(stack, "ingest_lag_seconds") > 1, STORED_S, "they grow old")
    until(lambda: value(stack, "ingest_lag_events") == 0, STORED_S, "nothing waits")
    until(lambda: value(stack, "ingest_lag_entries") == 0, STORED_S, "no entry waits")
    assert value(stack, "ingest_lag_seconds") == 0


def test_promises_are_told(stack: Running) -> None:
    assert value(stack, "ingest_ack_fsync", process="worker-0") == 1
    assert value(stack, "ingest_valkey_fsync") == 1
    assert value(stack, "ingest_partition_days_ahead") == 2
    assert value(stack, "ingest_partitions_missing") == 0
    for consumer in ("consumer-0", "consumer-1"):
        assert value(stack, "ingest_shards_owned", process=consumer) == 2
    assert value(stack, "ingest_back_pressure") == 0


def test_every_process_has_its_use(stack: Running) -> None:
    told = families(stack)
    for name in ("ingest_process_resident_memory_bytes", "ingest_process_cpu_seconds"):
        used = {sample.labels["process"]: sample.value for sample in told[name].samples}
        assert used.keys() == {*stack.run.pids, "supervisor"}
        assert min(used.values()) > 0
