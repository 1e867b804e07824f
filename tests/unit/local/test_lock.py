"""One supervisor for one data directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ingest.errors import NeedsPerson
from ingest.local import lock
from ingest.local.lock import Lock

HOLDS = """
import sys, time
from pathlib import Path
from ingest.local.lock import Lock
with Lock.take(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_nobody_holds_what_was_never_taken(tmp_path: Path) -> None:
    assert lock.holder(tmp_path / "lock") is None


def test_the_second_is_told_who_has_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with Lock.take(file):
        assert lock.holder(file) == os.getpid()
        with pytest.raises(NeedsPerson, match=f"process {os.getpid()}"):
            Lock.take(file)
    assert lock.holder(file) is None


def test_it_ends_with_a_killed_holder(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(file)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert lock.holder(file) == process.pid
        process.kill()
        process.wait()
    with Lock.take(file):
        assert lock.holder(file) == os.getpid()
