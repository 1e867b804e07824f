"""docs/metrics.md has every metric, as the code declares it."""

from __future__ import annotations

import pytest
from ingest import metrics

from tests.docs import pages

PAGE = "docs/metrics.md"


@pytest.mark.parametrize(("head", "is_own"), [("Metric", True), ("Metric of all", False)])
def test_the_tables_are_those_of_the_code(head: str, is_own: bool) -> None:
    documented = [
        [cell.replace("`", "") if at < 3 else cell for at, cell in enumerate(row)]
        for row in pages.table(PAGE, head)
    ]
    assert documented == [
        [
            about.name,
            about.kind,
            ", ".join((*about.labels, *(["process"] if is_own else []))),
            about.unit,
            about.meaning,
        ]
        for about in metrics.table()
        if about.is_own == is_own
    ]


def test_names_follow_prometheus() -> None:
    """A counter ends with _total; what has a base unit of Prometheus names it."""
    for about in metrics.table():
        stem = about.name.removesuffix("_total")
        assert (about.kind == "counter") == about.name.endswith("_total"), about
        if about.unit in {"s", "bytes"}:
            assert stem.endswith({"s": "_seconds", "bytes": "_bytes"}[about.unit]), about
