"""The command refuses what it can't do in a line, and reports what it has when it is ended."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ingest import _native

from bench import environment, gate, generator, key_changes
from bench.e2e import __main__ as command
from bench.e2e.places import MARK, Lock, claimed
from bench.e2e.session import Session
from bench.machine import DebugBuildError
from bench.micro import conftest
from bench.report.stored import Stored

Run = Callable[[str], int]
KINDS = [kind.name for kind in gate.KINDS]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    monkeypatch.setattr(generator, "build", lambda: None)
    before = {number: signal.getsignal(number) for number in command.SIGNALS}

    def run(flags: str) -> int:
        monkeypatch.setattr("sys.argv", ["bench.e2e", "--data", str(tmp_path), *flags.split()])
        return command.main()

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    "flags", ["--only crash,bogus", "--only soak", "--only singles --system ingest-none"]
)
def test_what_would_measure_nothing_is_refused(
    flags: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(flags) == 2
    assert "kernel, limits, " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "flags", ["--store --only kernel", "--store --load 2", "--repeats 0", "--load -1", "--soak x"]
)
def test_bad_flags_are_refused(flags: str, run: Run) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(flags)


def test_a_debug_build_is_refused_everywhere(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_native, "BUILD_PROFILE", "debug")
    assert run("--only kernel") == 2
    assert "the extension is a debug build: make build" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(pytest.UsageError, match="debug build"):
        conftest.pytest_configure()
    monkeypatch.setattr("sys.argv", ["bench.key_changes", "1"])
    with pytest.raises(DebugBuildError):
        key_changes.main()


def test_a_second_bench_is_refused(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Lock(tmp_path):
        assert run("--only kernel") == 2
    assert capsys.readouterr().err == f"{tmp_path}: another bench is running here\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["/proc/none", "/dev/null/data"])
def test_a_directory_that_cannot_be_is_told(
    where: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"--only kernel --data {where}") == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{where}: ")
    assert "Traceback" not in told


def test_what_somebody_else_has_put_there_stays(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "running" / "thesis.txt"
    theirs.parent.mkdir()
    theirs.write_text("work of years")
    assert run("--only kernel") == 2
    assert "is not a bench's: move it away" in capsys.readouterr().err
    assert theirs.read_text() == "work of years"
    assert [one.name for one in tmp_path.iterdir()] == ["running"]


def test_what_a_killed_bench_has_left_is_removed(tmp_path: Path) -> None:
    running, elsewhere = tmp_path / "running", tmp_path / "elsewhere"
    for directory in (running / "ingest", elsewhere):
        directory.mkdir(parents=True)
    (running / MARK).touch()
    (running / "ingest" / "servers").symlink_to(elsewhere)
    with claimed(running):
        assert not elsewhere.exists()
        assert [one.name for one in running.iterdir()] == [MARK]
    assert not running.exists()


@pytest.mark.parametrize(
    "text",
    ['{"medians": ', "[]", "{}", '{"about": {}, "kernel": {"10 events": "x"}, "medians": {}}'],
)
def test_a_stored_result_that_is_none_is_told(
    text: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "stored.json"
    path.write_text(text)
    load = Stored.load
    monkeypatch.setattr(Stored, "load", lambda: load(path))
    assert run("--only kernel") == 2
    assert [one.name for one in tmp_path.iterdir()] == ["stored.json"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_what_was_measured_before_the_end_is_reported(
    number: signal.Signals,
    code: int,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "apart", lambda: dict.fromkeys(KINDS, 10.0))
    monkeypatch.setattr(Session, "_run_repeats", lambda _self: os.kill(os.getpid(), number))
    assert run("--only kernel") == code
    (made,) = tmp_path.iterdir()
    summary = (made / "summary.md").read_text()
    assert "| 10 events | 10.0 |" in summary
    assert "This is not all: it was ended by a signal." in summary
    assert {one.name for one in made.iterdir()} == {"report.html", "result.json", "summary.md"}
    assert len(json.loads((made / "result.json").read_text())["kernel"]) == len(gate.KINDS)


def test_what_fails_is_told_without_a_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_self: Session) -> None:
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(Session, "_run_repeats", fail)
    monkeypatch.setattr(gate, "apart", lambda: dict.fromkeys(KINDS, 10.0))
    assert run("--only kernel") == 1
    told = capsys.readouterr()
    assert "broken off: nobody listens" in told.err
    assert "This is not all: nobody listens." in told.out


def test_settings_of_the_environment_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_ENTRY_CODEC", "none")
    monkeypatch.setenv("BASELINE_KEYS", "lookup")
    assert {"INGEST_ENTRY_CODEC", "BASELINE_KEYS"} <= set(environment.leave_out_settings())
    assert not any(name.startswith(environment.PREFIXES) for name in os.environ)
