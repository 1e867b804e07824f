"""Entries and chunks through their Python face; the bytes are proven beside the Rust code."""

from __future__ import annotations

import struct
from uuid import UUID

import pytest
from ingest._native import FLAG_NAMED, LAYOUT, SHAPE_BATCH, Batch, Chunk, EntryError, pack_entry

from bench.workload import Workload, batch_body
from tests.unit.native.kernel import FINGERPRINT, NOW, NOW_US, PROJECT, builtin, encode, free_form

HEADER = "<4sBBH8sQQIIIHHI"
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
NAMED = '{"event_type":"a","timestamp":"2026-11-20T23:59:59Z","user_id":"u","event_id":"%s"}'
IDS = [UUID(int=(7 << 76) + (2 << 62) + n) for n in range(3)]


def straight(count: int = 3) -> Batch:
    return encode(builtin(), batch_body(Workload(1, NOW).batch(count)), SHAPE_BATCH)


def named() -> Batch:
    return encode(free_form(), f"[{','.join(NAMED % id_ for id_ in IDS)}]")


def test_header_is_as_documented() -> None:
    batch = straight()
    header, data = pack_entry([batch, batch], FINGERPRINT, 2**64 - 1, 7, compress=False)
    fields = struct.unpack(HEADER, header)
    size = 2 * batch.nbytes
    assert fields[:-1] == (
        b"ingE", 1, 0, 0, FINGERPRINT, 2**64 - 1, 7, 6, size, size, LAYOUT, 0,
    )  # fmt: skip
    assert data == batch.tuples * 2
    assert Chunk.peek(header) == (FINGERPRINT, 2**64 - 1, 7, 0, 6)


def test_compression_pays_for_a_batch_and_not_for_one_row() -> None:
    batch = straight(200)
    _, packed = pack_entry([batch], FINGERPRINT, 1, 1, compress=True)
    assert len(packed) < batch.nbytes / 2
    header, data = pack_entry([straight(1)], FINGERPRINT, 1, 1, compress=True)
    assert (header[5], len(data)) == (0, straight(1).nbytes)


@pytest.mark.parametrize("compress", [True, False])
def test_chunk_keeps_kinds_apart(compress: bool) -> None:
    chunk = Chunk()
    assert (bytes(chunk.straight), bytes(chunk.named), chunk.rows) == (b"", b"", 0)
    for batch, count in ((straight(40), 40), (named(), 3), (straight(5), 5)):
        entry = pack_entry([batch], FINGERPRINT, 1, 1, compress=compress)
        assert chunk.push(*entry) == count
    assert (chunk.rows, chunk.straight_rows, chunk.named_rows) == (48, 45, 3)
    assert chunk.straight[:19] == chunk.named[:19] == COPY_HEADER
    assert chunk.named[19:] == named().tuples
    assert chunk.nbytes == len(chunk.straight) + len(chunk.named)
    assert chunk.ledger == [(PROJECT, NOW_US // 3_600_000_000, 48)]
    days = {
        row_day(chunk, kind, index) for kind, count in ((0, 45), (1, 3)) for index in range(count)
    }
    assert chunk.days == sorted(days)


def row_day(chunk: Chunk, kind: int, index: int) -> int:
    return chunk.row(kind, index).timestamp_us // 86_400_000_000


def test_rows_and_slices() -> None:
    chunk = Chunk()
    chunk.push(*pack_entry([named()], FINGERPRINT, 1, 1, compress=True))
    row = chunk.row(1, 2)
    assert (row.event_id, row.project_id, row.received_at_us) == (IDS[2].bytes, PROJECT, NOW_US)
    assert (row.event_type, row.user_id, row.session_id, row.properties) == ("a", "u", None, "{}")
    assert chunk.tuples(1, 2, 3) == COPY_HEADER + row.raw
    assert chunk.tuples(1, 0, 3) == chunk.named
    assert chunk.tuples(1, 3, 3) == COPY_HEADER
    for kind, start, stop in ((1, 0, 4), (1, 2, 1), (0, 0, 1)):
        with pytest.raises(IndexError):
            chunk.tuples(kind, start, stop)
    with pytest.raises(IndexError):
        chunk.row(1, 3)
    with pytest.raises(ValueError, match="kind"):
        chunk.row(2, 0)


def test_one_entry_has_one_kind() -> None:
    assert (straight().flags, named().flags) == (0, FLAG_NAMED)
    with pytest.raises(ValueError, match="same flags"):
        pack_entry([straight(), named()], FINGERPRINT, 1, 1, compress=False)
    with pytest.raises(ValueError, match="needs a batch"):
        pack_entry([], FINGERPRINT, 1, 1, compress=False)
    with pytest.raises(ValueError, match="length"):
        pack_entry([named()], b"short", 1, 1, compress=False)


@pytest.mark.parametrize(
    ("header", "data", "code"),
    [
        (b"", b"", "truncated"),
        (b"nope" + bytes(48), b"", "checksum"),
        (b"ingE\x02" + bytes(47), b"", "checksum"),
        (b"ingE\x02\xf5\xa7\xaa\xcb", b"", "unknown_version"),
        (None, b"", "checksum"),
        (None, None, "accepted"),
    ],
)
def test_errors_have_a_code_and_change_nothing(
    header: bytes | None, data: bytes | None, code: str
) -> None:
    good = pack_entry([named()], FINGERPRINT, 1, 1, compress=False)
    chunk = Chunk()
    chunk.push(*good)
    before = (chunk.rows, chunk.nbytes, bytes(chunk.named), chunk.ledger, chunk.days)
    pushed = (good[0] if header is None else header, good[1] if data is None else data)
    if code == "accepted":
        assert chunk.push(*pushed) == 3
        return
    with pytest.raises(EntryError) as raised:
        chunk.push(*pushed)
    assert raised.value.code == code
    assert before == (chunk.rows, chunk.nbytes, bytes(chunk.named), chunk.ledger, chunk.days)


def test_a_view_outlives_later_pushes() -> None:
    chunk = Chunk()
    entry = pack_entry([named()], FINGERPRINT, 1, 1, compress=True)
    chunk.push(*entry)
    view = chunk.named
    before = bytes(view)
    for _ in range(100):
        chunk.push(*entry)
    del chunk
    assert bytes(view) == before
    assert view.readonly
