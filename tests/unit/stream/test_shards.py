"""Names in Valkey, and the making of shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ingest.errors import NeedsPerson
from ingest.stream import shards
from ingest.stream.shards import AcceptedField

if TYPE_CHECKING:
    from redis import Redis


def test_a_shards_names_share_a_hash_tag() -> None:
    assert shards.stream_key(3) == "ingest:{3}"
    assert shards.accepted_key(3) == "ingest:{3}:accepted"


def test_a_field_of_the_ledger_goes_there_and_back() -> None:
    field = AcceptedField(0xFEED, bytes(range(16)), 498_742)
    text = b"000000000000feed:000102030405060708090a0b0c0d0e0f:498742"
    assert field.encode() == text
    assert AcceptedField.decode(text) == field


@pytest.mark.parametrize("text", [b"", b"1:2", b"x:00:1", b"1:zz:1", b"1:00:x"])
def test_other_fields_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which of them is nobody's concern
        AcceptedField.decode(text)


def test_a_shard_is_made_once_with_its_last_id(server: Redis) -> None:
    server.delete(shards.stream_key(1))
    assert shards.create(server, 1, "17-3")
    assert not shards.create(server, 1, "99-0")
    assert server.xinfo_stream(shards.stream_key(1))["last-generated-id"] == b"17-3"
    assert server.xlen(shards.stream_key(1)) == 0


def test_the_number_of_shards_is_fixed_at_the_first_start(server: Redis) -> None:
    shards.agree_on_count(server, 4)
    shards.agree_on_count(server, 4)
    with pytest.raises(NeedsPerson, match="holds 4 shards and the setting says 5"):
        shards.agree_on_count(server, 5)


@pytest.mark.parametrize(
    ("count", "order"), [(1, [0, 0]), (2, [0, 1]), (3, [0, 2, 1]), (4, [0, 2, 1, 3, 0, 2])]
)
def test_workers_have_shards_far_apart(count: int, order: list[int]) -> None:
    assert [shards.of_worker(worker, count) for worker in range(len(order))] == order
    assert sorted({shards.of_worker(worker, count) for worker in range(count)}) == [*range(count)]
