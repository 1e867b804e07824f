"""Log lines: one JSON object each, without secrets."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
from ingest import log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "wk_live_" + "a" * 43


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("postgresql://u:pass%40word@h/d", "postgresql://u:[hidden]@h/d"),
        ("unix://worker:0123@/run/x.sock", "unix://worker:[hidden]@/run/x.sock"),
        ("host=h password=hunter2 user=u", "host=h password=[hidden] user=u"),
        ("password='a b' user=u", "password=[hidden] user=u"),
        (f"key {KEY}!", "key [hidden]!"),
        ("http://h/p?q=a:b@c", "http://h/p?q=a:b@c"),
    ],
)
def test_redact(text: str, safe: str) -> None:
    assert log.redact(text) == safe


def test_a_line_is_json_and_hides_what_is_named_a_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure("info", "json")
    log.get("test").info("hello", admin_token="hunter2", dsn="postgresql://u:hunter2@h", n=1)
    line = json.loads(capsys.readouterr().err)
    assert line["event"], line["level"] == ("hello", "info")
    assert line["n"] == 1
    assert "hunter2" not in str(line)


def test_an_exception_is_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    try:
        int("postgresql://u:hunter2@h")
    except ValueError:
        log.get("test").exception("failed")
    assert "hunter2" not in capsys.readouterr().err


def test_the_standard_library_goes_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("warning", "json")
    logging.getLogger("library").info("quiet")
    logging.getLogger("library").warning("loud")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["loud"]


def test_a_file_is_rotated_and_bounded(tmp_path: Path) -> None:
    log.configure("info", "json")
    log.also_to(tmp_path / "x.log", max_bytes=2000, backups=2)
    for number in range(200):
        log.get("test").info("a line", number=number)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["x.log", "x.log.1", "x.log.2"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())


def test_a_terminal_is_not_steered_by_what_is_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "text")
    log.get("test").info("refused", reason="\x1b]0;owned\x07\u202e")
    shown = capsys.readouterr().err
    assert "\\x1b]0;owned\\x07\\u202e" in shown
    assert shown.rstrip("\n").isprintable()
