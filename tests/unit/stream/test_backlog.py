"""The bound on what waits in a worker."""

from __future__ import annotations

import asyncio

import pytest
from ingest.errors import Overloaded
from ingest.stream.backlog import MAX_RETRY_S, MIN_RETRY_S, OVERHEAD_BYTES, Backlog, Waiting

from tests.unit.stream.rig import PROJECT, batch


def waiting(padding: int = 0) -> Waiting:
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    loop.close()
    return Waiting(batch(padding=padding), PROJECT, 0, 100, future)


def test_first_in_first_out_up_to_the_bytes_asked_for() -> None:
    backlog = Backlog(1 << 20)
    queued = [waiting() for _ in range(5)]
    for one in queued:
        backlog.add(one)
    assert backlog.take(queued[0].cost * 2) == queued[:2]
    assert backlog.take(1) == queued[2:3], "at least one, however large"
    assert backlog.take_all() == queued[3:]
    assert len(backlog) == 0


def test_a_batch_costs_its_tuples_and_its_body() -> None:
    one = waiting()
    assert one.cost == one.batch.nbytes + 100 + OVERHEAD_BYTES


def test_what_is_in_flight_counts_until_it_is_answered() -> None:
    one = waiting()
    backlog = Backlog(one.cost)
    backlog.add(one)
    taken = backlog.take(1 << 20)
    with pytest.raises(Overloaded):
        backlog.add(waiting())
    backlog.release(taken)
    backlog.add(waiting())


def test_a_single_batch_larger_than_the_bound_passes_when_nothing_else_waits() -> None:
    backlog = Backlog(1)
    backlog.add(waiting(padding=1000))
    assert backlog.held_bytes > OVERHEAD_BYTES


def test_retry_after_is_the_backlog_over_the_measured_rate() -> None:
    one = waiting()
    backlog = Backlog(1 << 20)
    backlog.add(one)
    backlog.drained(one.cost, 10.0)
    assert 10 <= backlog.retry_after_s() <= 15


def test_retry_after_is_bounded() -> None:
    backlog = Backlog(1 << 20)
    assert MIN_RETRY_S <= backlog.retry_after_s() <= MIN_RETRY_S * 1.5
    backlog.add(waiting())
    backlog.drained(1, 1e6)
    assert backlog.retry_after_s() <= MAX_RETRY_S * 1.5
