"""Ids: new ones grow, derived ones can be derived again, the client's own win."""

from __future__ import annotations

import json
from uuid import RFC_4122, UUID

from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from ingest._native import FLAG_NAMED, SHAPE_BATCH, Encoder, Limits, Schema

from tests.unit.native.kernel import FREE_FORM, NOW_US, PROJECT, encode, free_form

TAIL_BITS = 74
DERIVE_CONTEXT = "ingest 2026-11 event id of an idempotent request"
SHARD_CONTEXT = "ingest 2026-11 shard of a named batch"
EVENT = '{"event_type":"a","timestamp":"2026-11-23T12:00:00.0019Z"}'
EVENT_MS = 1_795_435_200_001


def derived(key: str, position: int, event: str, at_ms: int) -> UUID:
    """The slow twin of an id made from an Idempotency-Key."""
    request_key = blake3(PROJECT + key.encode(), derive_key_context=DERIVE_CONTEXT).digest()
    hasher = blake3(position.to_bytes(4, "little") + event.encode(), key=request_key)
    tail = int.from_bytes(hasher.digest(16), "little") >> (128 - TAIL_BITS)
    high, low = tail >> 62, tail & ((1 << 62) - 1)
    return UUID(int=at_ms << 80 | 8 << 76 | high << 64 | 0b10 << 62 | low)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(-5, 5)), min_size=1, max_size=10))
def test_new_ids_grow(steps: list[tuple[int, int]]) -> None:
    encoder = free_form()
    ids: list[bytes] = []
    now_us, latest_us = NOW_US, 0
    for count, step_ms in steps:
        now_us += step_ms * 1000
        latest_us = max(latest_us, now_us)
        body = json.dumps([{"event_type": "a"}] * count)
        ids += encoder.encode(body, PROJECT, now_us, 2).event_ids
        last = UUID(bytes=ids[-1])
        assert (last.version, last.variant) == (7, RFC_4122)
        assert last.int >> 80 == latest_us // 1000
    assert ids == sorted(set(ids))


def test_another_seed_gives_other_ids() -> None:
    schema = Schema(FREE_FORM)
    first, second = (Encoder(schema, Limits(), seed=bytes([n] * 32)) for n in (1, 2))
    tails = {encode(encoder, EVENT).event_ids[0][6:] for encoder in (first, second)}
    assert len(tails) == 2


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255))
def test_derived_ids_equal_their_twin(key: str) -> None:
    other = EVENT.replace("}", ' , "user_id":"é"} ').strip()
    batch = encode(free_form(), f" [ {EVENT} , {other},{EVENT}]", idempotency_key=key)
    expected = [
        derived(key, position, event, EVENT_MS)
        for position, event in enumerate([EVENT, other, EVENT])
    ]
    assert [UUID(bytes=id_) for id_ in batch.event_ids] == expected
    assert all((id_.version, id_.variant) == (8, RFC_4122) for id_ in expected)
    assert batch.flags == FLAG_NAMED


def test_a_retry_has_the_same_ids_whatever_the_receive_time() -> None:
    body = f'{{"events":[{EVENT},5]}}'
    first = free_form().encode(body, PROJECT, NOW_US, SHAPE_BATCH, idempotency_key="k")
    again = free_form().encode(body, PROJECT, NOW_US + 10**9, SHAPE_BATCH, idempotency_key="k")
    assert first.event_ids == again.event_ids
    assert first.shard_hash == again.shard_hash
    elsewhere = free_form().encode(body, bytes(16), NOW_US, SHAPE_BATCH, idempotency_key="k")
    assert elsewhere.event_ids != first.event_ids


def test_shard_hash_equals_its_twin() -> None:
    def twin(name: bytes) -> int:
        hasher = blake3(PROJECT + name, derive_key_context=SHARD_CONTEXT)
        return int.from_bytes(hasher.digest(8), "little")

    assert encode(free_form(), EVENT, idempotency_key="key").shard_hash == twin(b"key")
    named = EVENT[:-1] + ',"event_id":"01890a5d-ac96-774b-bcce-b302099a8057"}'
    batch = encode(free_form(), named)
    assert batch.shard_hash == twin(batch.event_ids[0])


def test_the_clients_id_wins_over_the_key() -> None:
    id_ = UUID("01890a5d-ac96-174b-bcce-b302099a8057")
    named = EVENT[:-1] + f',"event_id":"{id_}"}}'
    batch = encode(free_form(), f"[{named},{EVENT}]", idempotency_key="key")
    assert batch.event_ids == [id_.bytes, derived("key", 1, EVENT, EVENT_MS).bytes]


def test_a_named_event_needs_its_own_timestamp() -> None:
    bare = '{"event_type":"a"}'
    named = '{"event_type":"a","event_id":"01890a5d-ac96-174b-bcce-b302099a8057"}'
    for body, key in ((bare, "key"), (named, None)):
        batch = encode(free_form(), f"[{body}]", idempotency_key=key)
        assert batch.reject_counts == [("timestamp_required", 1)]
        assert batch.rejections[0][2] == "timestamp"
    assert encode(free_form(), bare).status == 202
