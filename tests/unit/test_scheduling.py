"""How Linux schedules a process of ours, unless its starter says otherwise."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's scheduler")

CHILD = """
import os, sys, threading
from ingest import scheduling
os.sched_setscheduler(0, getattr(os, sys.argv[1]), os.sched_param(0))
scheduling.let_others_run()
threading.Thread(target=lambda: print(os.sched_getscheduler(0) == getattr(os, sys.argv[2]))).start()
"""


@pytest.mark.parametrize(
    ("given", "kept"), [("SCHED_OTHER", "SCHED_BATCH"), ("SCHED_IDLE", "SCHED_IDLE")]
)
def test_a_process_and_its_threads_let_others_run(given: str, kept: str) -> None:
    command = [sys.executable, "-c", CHILD, given, kept]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_where_it_is_not_allowed_nothing_else_changes() -> None:
    """As in a container whose filter of system calls refuses it."""
    refused = (
        "import os; from ingest import scheduling\n"
        "def refuse(*_): raise PermissionError(1, 'no')\n"
        "os.sched_setscheduler = refuse; scheduling.let_others_run(); print('goes on')"
    )
    command = [sys.executable, "-c", refused]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "goes on\n"
