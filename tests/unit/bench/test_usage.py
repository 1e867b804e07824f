"""CPU and memory of trees of processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from bench import usage

SPIN = "import time\nwhile time.process_time() < 0.3: pass\n"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SPIN!r}])\ninput()"


def test_counts_children_that_have_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE)
    deadline = time.monotonic() + 20
    try:
        while usage.cpu_s({"one": child.pid})["one"] < 0.3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        child.communicate(b"\n")


def test_a_root_below_another_is_not_part_of_it() -> None:
    found = {
        1: usage.Stat(0, 1.0, 0),
        2: usage.Stat(1, 2.0, 0),
        3: usage.Stat(2, 4.0, 0),
        4: usage.Stat(1, 8.0, 0),
    }
    assert usage.trees({"outer": 1, "inner": 2}, found) == {"outer": {1, 4}, "inner": {2, 3}}


def test_a_process_that_has_gone_costs_nothing() -> None:
    assert usage.trees({"gone": 5}, {}) == {"gone": set()}


def test_weighs_itself() -> None:
    own = usage.memory({"own": os.getpid()})["own"]
    assert own.rss >= own.pss >= own.own > 1 << 20
