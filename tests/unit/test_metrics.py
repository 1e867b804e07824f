"""Counting, reading out and the text that is made of several processes' numbers."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest import metrics, readout
from ingest.admin import exposition
from ingest.tally import Buckets, Gauge, Histogram, Tally
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as Oracle
from prometheus_client.parser import text_string_to_metric_families

BOUNDS = (0.5, 1.0, 2.0)


def samples(text: bytes) -> dict[tuple[str, str], float]:
    return {
        (sample.name, ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def told(*own: Tally | Gauge | Histogram) -> readout.Readout:
    return readout.Readout("", 1, 2.0, 3.0, 4, [readout.family_of(metric) for metric in own])


@given(st.lists(st.floats(0, 3, width=16)))
def test_buckets_are_those_of_the_library(values: list[float]) -> None:
    own, oracle = (
        Histogram("h", "s", "x", bounds=BOUNDS),
        Oracle("h", "x", buckets=BOUNDS, registry=None),
    )
    own.of()
    for value in values:
        own.of().observe(value)
        oracle.observe(value)
    registry = CollectorRegistry()
    registry.register(oracle)
    expected = {
        (sample.name, sample.labels.get("le", "")): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
    shown = samples(exposition.render({}, [readout.family_of(own)]))
    assert {(name, label.removeprefix("le=")): n for (name, label), n in shown.items()} == expected


def test_a_value_that_many_had() -> None:
    one, many = Buckets(BOUNDS), Buckets(BOUNDS)
    for _ in range(7):
        one.observe(0.75)
    many.observe_many(0.75, 7)
    assert (one.counts, one.total) == (many.counts, many.total)
    assert list(accumulate(many.counts))[bisect_left(BOUNDS, 0.75)] == 7


def test_each_process_keeps_its_own_series() -> None:
    """One that starts anew at 0 must not make a sum fall: it has a series of its own."""
    requests = Tally("a_total", "requests", "x", "route")
    requests.counts["/x",] += 3
    text = exposition.render({"worker-0": told(requests), "worker-1": told(requests)}, [])
    assert samples(text) == {
        ("a_total", "process=worker-0,route=/x"): 3,
        ("a_total", "process=worker-1,route=/x"): 3,
    }


def test_what_is_true_of_all_has_no_process() -> None:
    lag = Gauge("lag_seconds", "s", "x", is_own=False)
    lag.set(2.5)
    assert samples(exposition.render({}, [readout.family_of(lag)])) == {("lag_seconds", ""): 2.5}


def test_a_gauge_is_asked_when_somebody_looks() -> None:
    held = [1]
    gauge = Gauge("g", "", "x", "code")
    assert gauge.rows() == []
    gauge.ask(lambda: {("full",): held[0]})
    held[0] = 5
    assert gauge.rows() == [(("full",), 5)]


def test_a_readout_comes_back_as_it_was() -> None:
    metrics.REQUESTS.counts["/x", "202"] += 2
    metrics.APPEND_SECONDS.of().observe(0.003)
    own = readout.own("full")
    back = readout.decode(readout.encode(own))
    assert (back.pid, back.started, back.fault) == (own.pid, own.started, "full")
    assert back.memory_bytes == own.memory_bytes > 1 << 20
    assert samples(exposition.render({"p": back}, [])) == samples(exposition.render({"p": own}, []))
    assert back.family("ingest_requests_total") is not None
    assert back.family("ingest_lag_events") is None, "that is made by admin"


def test_a_process_of_another_version_is_shown() -> None:
    """It may have metrics that admin does not know, and other bounds."""
    other = Histogram("ingest_new_seconds", "s", "x", bounds=(1.0,))
    other.of().observe(0.5)
    text = exposition.render({"worker-0": readout.decode(readout.encode(told(other)))}, [])
    assert samples(text)["ingest_new_seconds_bucket", "le=1.0,process=worker-0"] == 1


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b'{"pid": 1}', b'{"families": [{"rows": [1]}]}']
)
def test_what_is_no_readout_is_an_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        readout.decode(text)
