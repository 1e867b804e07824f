"""Every process is killed, told to end or frozen under a load: what was acknowledged is stored.

The clients do not retry, so an answer that never came may be stored or not; the full experiment
with retries and all faults is `make crash`.
"""

from __future__ import annotations

import signal
import time
import uuid
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.load import Load
from tests.running import Running, event, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.stack

NAMES = ("worker-0", "consumer-0", "admin", "valkey", "postgres", "edge")
# Of these nobody notices a thing: others do their work, or they end after what they have begun.
UNNOTICED = ("worker-0", "consumer-0", "admin")
BACK_S = 30.0
# At SIGTERM PostgreSQL waits until its clients have gone by themselves.
STOP = {"postgres": signal.SIGINT}
# Valkey for longer than an append is sent again, PostgreSQL for longer than a lease lasts.
FROZEN_S = {"valkey": 7.0, "postgres": 7.0, "worker-0": 3.0, "edge": 3.0, "consumer-0": 3.0}
SOME = 100
PROBES = 20
# By all tests here: what was not acknowledged in one may still be stored in the next.
ALL_SENT: set[str] = set()


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_process_is_replaced_and_loses_nothing(stack: Running, name: str) -> None:
    before = stack.run.pids[name]
    earlier = set(stack.stored())
    with Load(stack, pause_s=0.01) as load:
        until(lambda: len(load.acknowledged) > SOME, BACK_S, "load before")
        psutil.Process(before).kill()
        until(lambda: stack.run.pids[name] != before, BACK_S, f"run.json has the new {name}")
        enough = len(load.acknowledged) + SOME
        until(lambda: len(load.acknowledged) > enough, BACK_S, "load after")
    _compare(stack, load, earlier)


@pytest.mark.parametrize("name", NAMES)
def test_a_process_that_is_told_to_end_is_replaced(stack: Running, name: str) -> None:
    before = stack.run.pids[name]
    earlier = set(stack.stored())
    with Load(stack, pause_s=0.01) as load:
        until(lambda: len(load.acknowledged) > SOME, BACK_S, "load before")
        psutil.Process(before).send_signal(STOP.get(name, signal.SIGTERM))
        until(lambda: stack.run.pids[name] != before, BACK_S, f"run.json has the new {name}")
        enough = len(load.acknowledged) + SOME
        until(lambda: len(load.acknowledged) > enough, BACK_S, "load after")
    if name in UNNOTICED:
        assert set(load.answers) == {202}, load.answers
    _compare(stack, load, earlier)


@pytest.mark.parametrize("name", FROZEN_S)
def test_a_frozen_process_goes_on(stack: Running, name: str) -> None:
    earlier = set(stack.stored())
    pids = stack.run.pids
    with Load(stack, pause_s=0.01) as load:
        until(lambda: len(load.acknowledged) > SOME, BACK_S, "load before")
        frozen = [psutil.Process(pids[name])]
        frozen += frozen[0].children(recursive=True)
        for process in frozen:
            process.suspend()
        time.sleep(FROZEN_S[name])
        for process in frozen:
            process.resume()
        enough = len(load.acknowledged) + SOME
        until(lambda: len(load.acknowledged) > enough, BACK_S, "load after")
    assert stack.run.pids == pids, "nothing had to be replaced"
    _compare(stack, load, earlier)


def test_a_killed_supervisor_is_started_again_and_loses_nothing(stack: Running) -> None:
    earlier = set(stack.stored())
    with Load(stack, pause_s=0.01) as load:
        until(lambda: len(load.acknowledged) > SOME, BACK_S, "load before")
        stack.supervisor.kill()
        stack.supervisor.wait()
        stack.start()
        enough = len(load.acknowledged) + SOME
        until(lambda: len(load.acknowledged) > enough, BACK_S, "load after")
    _compare(stack, load, earlier)


@pytest.fixture(autouse=True)
def mended(stack: Running) -> Iterator[None]:
    """Hand the system on only when it takes events again and has stored all of them."""
    yield
    until(lambda: _probe(stack), BACK_S, "accepts events")
    # Each may be in another shard, and so be stored later than those after it.
    last = {event_id for _ in range(PROBES) for event_id in _probe(stack)}
    until(lambda: last <= set(stack.stored()), BACK_S, "stored the last ones")


def _probe(stack: Running) -> list[str]:
    """Post one event; gives its id if it was acknowledged."""
    event_id = str(uuid.uuid4())
    ALL_SENT.add(event_id)
    accepted = stack.post(event(event_id=event_id)).status_code == httpx.codes.ACCEPTED
    return [event_id] if accepted else []


def _compare(stack: Running, load: Load, earlier: set[str]) -> None:
    until(lambda: load.acknowledged <= set(stack.stored()), BACK_S, "all acknowledged are stored")
    ALL_SENT.update(load.sent)
    stored = stack.stored()
    assert len(stored) == len(set(stored)), "an event is there twice"
    assert set(stored) - earlier <= ALL_SENT, "an event is there that nobody sent"
    assert load.acknowledged, "nothing was acknowledged: the test shows nothing"
