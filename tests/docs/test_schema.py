"""docs/schema.md: its schema compiles, its events get the answers it tells, its bounds are all."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from ingest import _native

from tests.docs import pages

PAGE = pages.ROOT / "docs" / "schema.md"
(SCHEMA,) = pages.blocks(PAGE, "toml")
EVENTS = pages.blocks(PAGE, "json")
PROJECT = bytes(16)


def encode(body: str, now: datetime) -> _native.Batch:
    encoder = _native.Encoder(_native.Schema(SCHEMA.text), _native.Limits(), seed=bytes(32))
    return encoder.encode(body, PROJECT, int(now.timestamp() * 1_000_000), _native.SHAPE_EVENT)


def test_the_events_get_the_answers_that_the_page_tells() -> None:
    codes = []
    for block in EVENTS:
        sent_at = datetime.fromisoformat(json.loads(block.text)["timestamp"])
        codes.append(encode(block.text, sent_at.astimezone(UTC)).code)
    assert codes == ["accepted", "pattern_mismatch"]


@pytest.mark.parametrize("row", pages.table("docs/schema.md", "`type`"), ids=lambda row: row[0])
def test_each_type_takes_the_bounds_that_the_page_tells(row: list[str]) -> None:
    kind, bounds = row[0].strip("`"), row[2]
    taken = {line.partition(" ")[0] for line in BOUNDS if compiles(f"type = {kind}\n{line}")}
    assert taken == {line.partition(" ")[0] for line in BOUNDS if named(line, bounds, kind)}


BOUNDS = (
    "min_length = 1",
    "max_length = 1",
    'pattern = "a"',
    'enum = ["a"]',
    'format = "url"',
    "minimum = 1",
    "maximum = 1",
    "exclusive_minimum = 1",
    "exclusive_maximum = 1",
)


def named(line: str, bounds: str, kind: str) -> bool:
    """Tell whether the page's cell names the bound; "the same" is the row above, of numbers."""
    name = line.partition(" ")[0]
    return f"`{name}" in bounds or (kind == '"number"' and "imum" in name)


def compiles(rule: str) -> bool:
    text = f'name = "n"\nlayout = 1\n[event_types.e]\n[properties.p]\n{rule}\n'
    try:
        _native.Schema(text)
    except _native.SchemaError:
        return False
    return True


def test_a_key_that_the_page_does_not_name_is_refused() -> None:
    with pytest.raises(_native.SchemaError, match="nulable"):
        _native.Schema(SCHEMA.text.replace("nullable", "nulable"))
