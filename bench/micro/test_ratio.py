"""The encoder must do at least 8 times the events per CPU second of orjson and pydantic.

What an Idempotency-Key costs it is told beside that. Medians of 7
alternating runs, so that a change of the machine's speed meets both sides.
"""

from __future__ import annotations

import statistics

import pytest

from bench.micro import ratios
from bench.micro.cases import case, encode, encode_keyed, encoder
from bench.workload import STRESS_BATCH

AIM = 8.0
#: A lone event is mostly the call from Python, the answer and the batch object.
AIM_ALONE = 6.0
#: A hash of each event's bytes instead of a random id.
AIM_KEYED = 0.45
KINDS = [(1, False), *((count, broken) for count in (10, 200, 1000) for broken in (False, True))]


@pytest.mark.parametrize(("count", "is_broken"), KINDS)
def test_ratio(count: int, is_broken: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """The same events are accepted, and the aim is met."""
    body, aim = case(count, is_broken=is_broken).body, AIM_ALONE if count == 1 else AIM
    used = encoder()
    assert ratios.agree(used, body)
    pairs = ratios.with_oracle(used, body, count)
    native, oracle = (statistics.median(side) for side in zip(*pairs, strict=True))
    found = [oracle / native for native, oracle in pairs]
    ratio = statistics.median(found)
    with capsys.disabled():
        print(
            f"\n{count} events, {'one in five broken' if is_broken else 'valid'}: "
            f"{native:.2f} against {oracle:.2f} µs an event, {ratio:.1f} times "
            f"({min(found):.1f} to {max(found):.1f}); {len(body) / count / native:.0f} MB/s"
        )
    assert ratio >= aim


def test_keyed(capsys: pytest.CaptureFixture[str]) -> None:
    """Derived ids beside new ones, in batches of 200: all are accepted, twice with the same ids."""
    body, used = case(STRESS_BATCH).body, encoder()
    ids = encode_keyed(used, body).event_ids
    assert encode_keyed(used, body).event_ids == ids
    assert len(set(ids)) == STRESS_BATCH
    pairs = ratios.alternating(
        lambda: encode(used, body), lambda: encode_keyed(used, body), STRESS_BATCH
    )
    plain, keyed = (statistics.median(side) for side in zip(*pairs, strict=True))
    found = [plain / keyed for plain, keyed in pairs]
    ratio = statistics.median(found)
    with capsys.disabled():
        print(
            f"\nwith a key: {keyed:.2f} against {plain:.2f} µs an event, {ratio:.2f} of the "
            f"throughput ({min(found):.2f} to {max(found):.2f}); "
            f"{len(body) / STRESS_BATCH / keyed:.0f} MB/s"
        )
    assert ratio >= AIM_KEYED
