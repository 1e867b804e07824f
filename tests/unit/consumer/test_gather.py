"""Entries are gathered in order; what moves the position goes with them."""

from __future__ import annotations

import pytest
from ingest.consumer.assignment import Tenure
from ingest.consumer.gather import Gathering, TooNew
from ingest.consumer.position import Position, Step
from ingest.store.load import EntryRows
from ingest.stream.read import Entry

from tests.unit.consumer.entries import altered, batch, entry

TENURE = Tenure(2, Position("5-0", "run"), "5-0")
HEADER_BYTES = 52


def gathering() -> Gathering:
    return Gathering(TENURE, "run", before="5-0", cursor="5-0")


def test_rows_and_position_go_together() -> None:
    gathered = gathering()
    gathered.add([Entry("6-0", *entry(batch(3))), Entry("7-0", *entry(batch(2, key="k")))], 100.0)
    span = gathered.span()
    assert span.step == Step(2, "5-0", "7-0", "run")
    assert span.load.entries == [
        EntryRows("6-0", is_named=False, rows=3),
        EntryRows("7-0", is_named=True, rows=2),
    ]
    assert (span.load.chunk.straight_rows, span.load.chunk.named_rows) == (3, 2)
    assert gathered.opened_at == 100.0


def test_the_next_span_begins_where_this_one_ends() -> None:
    gathered = gathering()
    gathered.add([Entry("6-0", *entry(batch()))], 1.0)
    gathered.span()
    gathered.restart()
    assert gathered.is_empty
    gathered.add([Entry("8-0", *entry(batch()))], 2.0)
    assert gathered.span().step == Step(2, "6-0", "8-0", "run")


def test_reading_again_leaves_the_position() -> None:
    gathered = Gathering(TENURE, "old", before="5-0", cursor="0-0", is_reread=True)
    gathered.add([Entry("3-0", *entry(batch()))], 1.0)
    span = gathered.span()
    assert (span.step, span.load.is_reread) == (Step(2, "5-0", "5-0", "old"), True)
    gathered.restart()
    assert (gathered.before, gathered.cursor) == ("5-0", "3-0")


def test_an_entry_that_cannot_be_read_is_kept_and_passed() -> None:
    header, data = entry(batch(4))
    gathered = gathering()
    gathered.add([Entry("6-0", header, data[:-1] + b"?"), Entry("7-0", b"", b"junk")], 1.0)
    broken, foreign = gathered.span().load.unreadable
    assert (broken.entry_id, broken.content, broken.rows) == ("6-0", header + data[:-1] + b"?", 4)
    assert broken.message.startswith("checksum: ")
    assert (foreign.content, foreign.rows) == (b"junk", 0)
    assert gathered.span().step.after == "7-0"


@pytest.mark.parametrize(("offset", "value"), [(4, 2), (7, 0x80), (44, 9)])
def test_an_entry_that_is_too_new_is_waited_for(offset: int, value: int) -> None:
    header, data = entry(batch())
    newer = altered(header, data, offset, value)
    gathered = gathering()
    with pytest.raises(TooNew, match="entry 7-0"):
        gathered.add([Entry("6-0", header, data), Entry("7-0", newer, data)], 1.0)
    span = gathered.span()
    assert (span.step.after, span.load.chunk.rows) == ("6-0", 1)
    assert len(header) == HEADER_BYTES


@pytest.mark.parametrize("offset", [0, 4, 7, 44])
def test_a_damaged_header_is_not_taken_for_a_later_one(offset: int) -> None:
    header, data = entry(batch())
    damaged = header[:offset] + bytes([header[offset] ^ 3]) + header[offset + 1 :]
    gathered = gathering()
    gathered.add([Entry("6-0", damaged, data)], 1.0)
    (broken,) = gathered.span().load.unreadable
    assert broken.message.startswith("checksum: ")
    assert broken.content == damaged + data


def test_what_is_held_counts_entries_that_cannot_be_read() -> None:
    gathered = gathering()
    gathered.add([Entry("6-0", *entry(batch(10))), Entry("7-0", b"", b"x" * 1000)], 1.0)
    assert gathered.held.rows == 10
    assert gathered.held.nbytes == gathered.chunk.nbytes + 1000
