"""docs/posting-events.md has every code that an answer can carry, and the bounds of the code."""

from __future__ import annotations

from ingest import _native, problems
from ingest.local import problems as edge
from ingest.settings import Settings

from tests.docs import pages

PAGE = "docs/posting-events.md"
REFUSALS = {
    pages.plain(row[1]): int(row[0]) for row in pages.table(PAGE, "Status") if row[0].isdigit()
}
REJECTIONS = {pages.plain(row[0]): row[1] for row in pages.table(PAGE, "Rejection")}


def test_every_refusal_of_the_worker_is_there_with_its_status() -> None:
    found = {code: problem.status for code, problem in problems.PROBLEMS.items()}
    assert found.items() <= REFUSALS.items()


def test_every_refusal_of_the_edge_is_there_with_its_status() -> None:
    assert {problem.code: problem.status for problem in edge.PROBLEMS}.items() <= REFUSALS.items()


def test_every_refusal_of_the_edge_can_be_counted() -> None:
    assert {problem.code for problem in edge.PROBLEMS} == problems.EDGE_CODES


def test_every_reason_of_the_extension_is_there_with_its_meaning() -> None:
    reasons = dict(_native.REJECT_CODES)
    assert REJECTIONS.items() <= reasons.items()
    assert reasons.keys() - REJECTIONS.keys() <= REFUSALS.keys()


def test_no_code_is_there_that_nothing_answers() -> None:
    answered = {*problems.PROBLEMS, *dict(_native.REJECT_CODES)}
    assert REFUSALS.keys() <= answered | {problem.code for problem in edge.PROBLEMS}


def test_refusals_stand_in_the_order_in_which_one_looks_them_up() -> None:
    listed = [(int(row[0]), pages.plain(row[1])) for row in pages.table(PAGE, "Status")]
    assert listed == sorted(listed)


def test_the_bounds_are_those_of_the_code() -> None:
    limits, settings = _native.Limits(), Settings()
    told = {row[0]: row[1] for row in pages.table(PAGE, "Limit")}
    assert list(told.values()) == [
        f"{settings.max_body_bytes >> 20} MiB",
        f"{settings.max_batch_events:,} ({limits.max_compat_events} on `/api/v1/event/batch`)",
        f"{settings.max_event_bytes >> 10} KiB",
        f"{limits.max_depth}",
        f"{limits.max_number_digits}",
        f"±{limits.max_number_exponent}",
        f"{limits.max_indexed_bytes:,} bytes",
        f"{limits.max_key_bytes} characters",
    ]
