"""A worker sleeps when its machine is busy, and only then."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ingest.stream.append import ENOUGH
from ingest.stream.rest import LEAST_S, ROUND_S, Rest, rest_s

from tests import one_core
from tests.unit.stream.rig import appender, batch, stored_ids, submit

if TYPE_CHECKING:
    from ingest.local.valkey import EmbeddedValkey
    from redis import Redis


@pytest.mark.parametrize(
    ("working_s", "waiting_s", "seconds"),
    [
        pytest.param(0.001, 0.0004, 0.0, id="a core was free"),
        pytest.param(0.001, 0.0005, 0.005, id="five times its work"),
        pytest.param(0.004, 0.004, 0.006, id="up to a round's time"),
        pytest.param(0.0099, 0.02, 0.0, id="a round that was long enough"),
        pytest.param(0.02, 0.02, 0.0, id="one that was longer"),
        pytest.param(0.00005, 0.001, 0.0, id="hardly any work"),
        pytest.param(0.0, 0.0, 0.0, id="none"),
    ],
)
def test_it_rests_by_what_the_thread_worked_and_waited(
    working_s: float, waiting_s: float, seconds: float
) -> None:
    assert rest_s(working_s, waiting_s) == pytest.approx(seconds)


def test_the_kernel_tells_a_busy_core() -> None:
    rest = Rest()
    rest.due_s()
    with one_core.shared_with(1):
        dues = []
        for _ in range(40):
            _work(0.003)
            dues.append(rest.due_s())
    rest.close()
    assert any(LEAST_S <= due <= ROUND_S for due in dues)


@pytest.mark.parametrize("content", [None, b""])
def test_without_the_kernels_numbers_nobody_rests(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "schedstat"
    if content is not None:
        path.write_bytes(content)
    rest = Rest(path)
    _work(0.002)
    assert rest.due_s() == 0.0
    rest.close()


class _OneLongRest(Rest):
    """Due once, for longer than an append takes on any machine."""

    seconds = 1.0

    def due_s(self) -> float:
        seconds, self.seconds = self.seconds, 0.0
        return seconds


@pytest.mark.parametrize(
    ("waiting", "rests"),
    [
        pytest.param(1, True, id="one waits"),
        pytest.param(ENOUGH - 1, True, id="too few wait"),
        pytest.param(ENOUGH, False, id="enough wait"),
    ],
)
def test_an_answer_goes_out_before_the_rest_that_only_few_wait_for(
    waiting: int, rests: bool, server: Redis, valkey: EmbeddedValkey
) -> None:
    async def scenario() -> tuple[float, float]:
        async with appender(valkey.worker_url, rest=_OneLongRest()) as running:
            began = time.perf_counter()
            await submit(running, batch())
            first_s = time.perf_counter() - began
            await asyncio.gather(*[submit(running, batch()) for _ in range(waiting)])
            return first_s, time.perf_counter() - began

    first_s, all_s = asyncio.run(scenario())
    assert first_s < 1.0
    assert (all_s >= 1.0) is rests
    assert len(stored_ids(server)) == 1 + waiting


def _work(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
