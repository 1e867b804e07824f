"""Numbers of several processes are added up."""

from __future__ import annotations

import pytest
from ingest import metrics
from prometheus_client.parser import text_string_to_metric_families


def samples(text: bytes) -> dict[tuple[str, str], float]:
    return {
        (sample.name, ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_a_tally_becomes_samples() -> None:
    before = samples(metrics.render()).get(("ingest_requests_total", "route=/x,status=202"), 0)
    metrics.REQUESTS.counts["/x", "202"] += 2
    after = samples(metrics.render())["ingest_requests_total", "route=/x,status=202"]
    assert after == before + 2


def test_counters_gauges_and_histograms_are_added() -> None:
    metrics.REQUESTS.counts["/y", "202"] += 1
    metrics.APPEND_SECONDS.observe(0.003)
    one = metrics.render()
    two = samples(metrics.total([one.decode(), one.decode()]))
    assert two == {key: value * 2 for key, value in samples(one).items()}


def test_a_process_that_others_do_not_resemble() -> None:
    own = '# HELP a x\n# TYPE a counter\na_total{b="1"} 3.0\n'
    other = "# HELP c y\n# TYPE c gauge\nc 4.0\n"
    assert samples(metrics.total([own, other])) == {("a_total", "b=1"): 3.0, ("c", ""): 4.0}


def test_text_that_is_no_metrics_is_an_error() -> None:
    with pytest.raises(ValueError, match="could not convert"):
        metrics.total(["a b c"])
