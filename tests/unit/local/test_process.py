"""One child process: its output, its end, its ties to us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from ingest.local.data_dir import DataDir
from ingest.local.process import Command, Process, StartError, run_to_end
from ingest.local.strays import is_alive

from tests.running import until

PRINTS = "import sys, time; print('hello', flush=True); time.sleep(60)"
FAILS = "import sys; print('first'); sys.exit('the reason')"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('hello', flush=True)"
    "; time.sleep(60)"
)
FORKS = "import os, time; os.fork(); print('hello', flush=True); time.sleep(60)"
PARENT = """
import sys, time
from pathlib import Path
from tests.unit.local.test_process import PRINTS, DataDir, started
script = started(PRINTS, DataDir(Path(sys.argv[1])))
print(script.pid, flush=True)
time.sleep(60)
"""
LIMITS = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"


class Script(Process):
    """A Python script; ready when it has written a line."""

    def __init__(self, text: str, home: DataDir) -> None:
        super().__init__("script", home)
        self._text = text

    def prepare(self) -> None:
        self.home.prepare()

    def command(self) -> Command:
        return Command([sys.executable, "-c", self._text], self.home.path, dict(os.environ))

    def is_ready(self) -> bool:
        log = self.home.log / "script.log"
        return log.exists() and "hello" in log.read_text()


@pytest.fixture
def home(base: Path) -> DataDir:
    return DataDir(base / "data")


def started(text: str, home: DataDir) -> Script:
    script = Script(text, home)
    script.prepare()
    script.start()
    return script


def test_ready_and_stopped(home: DataDir) -> None:
    script = started(PRINTS, home)
    script.wait_ready(10)
    assert script.pid is not None
    script.stop()
    assert script.exit_code == -signal.SIGTERM


def test_one_that_ends_early_tells_its_last_words(home: DataDir) -> None:
    script = started(FAILS, home)
    with pytest.raises(StartError, match=r"(?s)script ended with 1.*the reason"):
        script.wait_ready(10)
    script.stop()


def test_one_that_is_never_ready_is_told(home: DataDir) -> None:
    script = started("import time; time.sleep(60)", home)
    with pytest.raises(StartError, match=r"not ready in 0\.2 s"):
        script.wait_ready(0.2)
    script.stop()


def test_a_stubborn_one_is_forced(home: DataDir) -> None:
    script = started(STUBBORN, home)
    script.wait_ready(10)
    script.stop(0.1)
    assert script.exit_code == -signal.SIGKILL


def test_the_whole_group_ends(home: DataDir) -> None:
    script = started(FORKS, home)
    script.wait_ready(10)
    assert script.pid is not None
    (child,) = psutil.Process(script.pid).children()
    os.kill(script.pid, signal.SIGKILL)
    script.kill()
    until(lambda: not is_alive(child), 5, "the group's last member ended")


def test_it_starts_again(home: DataDir) -> None:
    script = started(PRINTS, home)
    first = script.pid
    script.start()
    assert script.pid not in {None, first}
    assert first is not None
    assert not psutil.pid_exists(first)
    script.stop()


def test_it_ends_with_its_parent(home: DataDir) -> None:
    home.prepare()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(home.path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    with parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        until(lambda: not is_alive(child), 5, "the child ended with its parent")


def test_a_program_gets_its_limit_of_files(home: DataDir) -> None:
    home.prepare()
    command = Command([sys.executable, "-c", LIMITS], home.path, dict(os.environ), nofile=123)
    assert run_to_end(command).strip() == "123"


def test_a_program_that_fails_is_told_with_its_output(home: DataDir) -> None:
    home.prepare()
    with pytest.raises(StartError, match=r"^python\S* failed with 1: the reason$"):
        run_to_end(Command([sys.executable, "-c", FAILS], home.path, dict(os.environ)))


def test_a_log_is_rotated(home: DataDir) -> None:
    home.prepare()
    bounded = DataDir(home.path, logs=type(home.logs)(max_bytes=10_000, backups=1))
    script = started("print('hello' * 20_000); print('x' * 50_000)", bounded)
    assert script.wait_ended(10)
    script.stop()
    files = sorted(home.log.iterdir())
    assert [file.name for file in files] == ["script.log", "script.log.1"]
    assert sum(file.stat().st_size for file in files) < 40_000


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's scheduler")
@pytest.mark.parametrize(("is_batch", "policy"), [(True, "SCHED_BATCH"), (False, "SCHED_OTHER")])
def test_it_is_scheduled_as_its_kind_says(
    home: DataDir, monkeypatch: pytest.MonkeyPatch, is_batch: bool, policy: str
) -> None:
    monkeypatch.setattr(Script, "is_batch", is_batch)
    script = started(PRINTS, home)
    script.wait_ready(10)
    assert script.pid is not None
    assert os.sched_getscheduler(script.pid) == getattr(os, policy)
    script.stop()
