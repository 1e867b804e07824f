"""A row's number leads to the entry that it came in."""

from __future__ import annotations

from ingest._native import Chunk
from ingest.store.load import EntryRows, Load

ENTRIES = [
    EntryRows("1-0", is_named=False, rows=2),
    EntryRows("2-0", is_named=True, rows=1),
    EntryRows("3-0", is_named=False, rows=3),
    EntryRows("4-0", is_named=True, rows=2),
]


def test_rows_lead_to_their_entries() -> None:
    load = Load(0, Chunk(), ENTRIES)
    assert load.entry_ids(is_named=False, indexes=[0, 1, 2, 4]) == ["1-0", "1-0", "3-0", "3-0"]
    assert load.entry_ids(is_named=True, indexes=[0, 1, 2]) == ["2-0", "4-0", "4-0"]
    assert load.entry_ids(is_named=True, indexes=[]) == []
