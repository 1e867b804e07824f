"""A busy writer is given larger transactions, an idle one what there is."""

from __future__ import annotations

import pytest
from ingest.consumer.linger import LONGEST_S, Linger


@pytest.mark.parametrize(
    ("least_s", "write_s", "seconds"),
    [
        pytest.param(0.01, 0.002, 0.01, id="quick writes leave what is set"),
        pytest.param(0.01, 0.02, 0.08, id="slow ones four times their time"),
        pytest.param(0.01, 4.0, LONGEST_S, id="held up ones no more than the bound"),
        pytest.param(0.2, 4.0, 0.2, id="what is set is the least"),
        pytest.param(0.0, 0.0, 0.0, id="none is set and nothing written"),
    ],
)
def test_it_waits_for_as_long_as_writes_take(
    least_s: float, write_s: float, seconds: float
) -> None:
    linger = Linger(rows=1000, least_s=least_s)
    linger.note(write_s)
    linger.note(write_s)
    assert linger.seconds == seconds


def test_one_slow_write_makes_nobody_wait() -> None:
    linger = Linger(rows=1000, least_s=0.01)
    for write_s in (0.001, 1.0, 0.001):
        linger.note(write_s)
        assert linger.seconds == pytest.approx(0.01)
