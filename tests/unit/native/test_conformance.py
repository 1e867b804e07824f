"""JSONTestSuite's parsing cases as whole bodies and as a property's value.

y_ is JSON, n_ is not, i_ is up to the parser; here an i_ file may be JSON that PostgreSQL refuses.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest._native import SHAPE_EVENT, SHAPE_NATIVE

from tests.unit.native.kernel import encode, exact, free_form, rows

CORPUS = Path(__file__).parents[4] / "shared/corpora/json-test-suite/test_parsing"
FILES = sorted(CORPUS.glob("*.json"))
NOT_JSON = {"malformed_json", "invalid_utf8"}
#: Valid JSON that must not reach PostgreSQL.
NOT_FOR_POSTGRES = {
    "nul_character",
    "lone_surrogate",
    "number_out_of_range",
    "number_too_long",
    "too_deep",
}

pytestmark = pytest.mark.skipif(
    not FILES, reason="the JSONTestSuite corpus is not beside this checkout"
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_as_a_property(path: Path) -> None:
    text = path.read_bytes()
    batch = encode(free_form(), b'{"event_type":"a","properties":{"v":' + text + b"}}", SHAPE_EVENT)
    match path.name[0]:
        case "n":
            assert batch.code in NOT_JSON
        case "y":
            assert batch.code in {"accepted", *NOT_FOR_POSTGRES}
        case _:
            assert batch.code in {"accepted", *NOT_JSON, *NOT_FOR_POSTGRES}
    if batch.code == "accepted":
        (row,) = rows(batch)
        assert exact(row.properties) == {"v": exact(text)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_as_a_body(path: Path) -> None:
    batch = encode(free_form(), path.read_bytes(), SHAPE_NATIVE)
    assert batch.rows == 0
    if path.name[0] == "n":
        assert batch.code in NOT_JSON
    if path.name[0] == "y":
        assert batch.code not in NOT_JSON


def test_few_y_files_are_kept_from_postgres() -> None:
    refused = {
        path.stem
        for path in FILES
        if path.name[0] == "y"
        and encode(
            free_form(),
            b'{"event_type":"a","properties":{"v":' + path.read_bytes() + b"}}",
            SHAPE_EVENT,
        ).code
        != "accepted"
    }
    assert refused == {"y_string_null_escape", "y_object_escaped_null_in_key"}
