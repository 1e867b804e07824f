"""The encoder beside orjson with pydantic, and msgspec: the same checks, and nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from bench.micro import content
from bench.micro.cases import CASES, NOW, Case, encode, encoder, timed
from bench.micro.models import checked
from bench.micro.structs import decoded

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.benchmark(timer=time.process_time)


def group(case: Case, kind: type) -> str:
    """Name what the sides do alike."""
    return f"check {case.name}, {kind.__name__}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("kind", [str, bytes])
def test_native(benchmark: BenchmarkFixture, case: Case, kind: type) -> None:
    """Checks, ids, tuples and the answer."""
    body = case.body if kind is str else case.body.encode()
    used = encoder()
    batch = timed(benchmark, case.events, lambda: encode(used, body), group(case, kind))
    assert [index for index, *_ in batch.rejections] == case.refused
    assert content.of_batches([batch]) == content.of_body(case.body, case.refused)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("kind", [str, bytes])
def test_orjson_and_pydantic(benchmark: BenchmarkFixture, case: Case, kind: type) -> None:
    """Checks alone."""
    body = case.body if kind is str else case.body.encode()
    accepted, rejected = timed(
        benchmark, case.events, lambda: checked(body, NOW), group(case, kind)
    )
    assert [index for index, _ in rejected] == case.refused
    found = content.of_all(event.model_dump() for event in accepted)
    assert found == content.of_body(case.body, case.refused)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("kind", [str, bytes])
def test_msgspec(benchmark: BenchmarkFixture, case: Case, kind: type) -> None:
    """Checks alone."""
    body = case.body if kind is str else case.body.encode()
    accepted, rejected = timed(
        benchmark, case.events, lambda: decoded(body, NOW), group(case, kind)
    )
    assert [index for index, _ in rejected] == case.refused
    found = content.of_all(map(msgspec.to_builtins, accepted))
    assert found == content.of_body(case.body, case.refused)
