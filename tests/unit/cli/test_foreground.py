"""What `up` prints: lines for whoever reads, and no reason to end when nobody does."""

from __future__ import annotations

import os
from pathlib import Path

from ingest.cli.foreground import say


def test_a_line_is_printed_at_once(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        say("hello", stream)
        assert (tmp_path / "out").read_text() == "hello\n"


def test_nobody_has_to_read() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        say("hello", stream)
        say("again", stream)


def test_a_full_disk_is_no_reason_to_end() -> None:
    full = Path("/dev/full")
    with (full if full.exists() else Path(os.devnull)).open("w") as stream:
        say("hello", stream)
        say("again", stream)
