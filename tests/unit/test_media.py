"""Whether a body is JSON, as it is, and whole."""

from __future__ import annotations

import pytest
from ingest import media
from ingest.media import Refusal

HEAD = {"content-type": "application/json", "content-length": "2"}


def refused(body: str | bytes = "{}", **changes: str | None) -> str:
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    headers = {name: value for name, value in (HEAD | named).items() if value is not None}
    with pytest.raises(Refusal) as refusal:
        media.check_body(headers, body)
    return refusal.value.code


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/cloudevents+json",
        "application/json; profile=x",
    ],
)
def test_json_is_taken(content_type: str) -> None:
    media.check_body(HEAD | {"content-type": content_type}, "{}")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/jsonp",
        "application/x-ndjson",
        "application/json; charset=latin-1",
        "application/json, application/json",
        "multipart/form-data; boundary=x",
    ],
)
def test_other_types_are_refused(content_type: str | None) -> None:
    assert refused(content_type=content_type) == "unsupported_media_type"


@pytest.mark.parametrize("coding", ["gzip", "br", "identity", ""])
def test_any_content_encoding_is_refused(coding: str) -> None:
    assert refused(content_encoding=coding) == "unsupported_encoding"


def test_the_length_must_be_what_arrived() -> None:
    assert refused(content_length=None) == "length_required"
    assert refused(content_length="3") == "truncated_body"
    assert refused(content_length="1") == "truncated_body"
    assert refused(content_length="x") == "truncated_body"


def test_lengths_are_of_utf8() -> None:
    media.check_body(HEAD | {"content-length": "9"}, '{"ä€"}')
    media.check_body(HEAD | {"content-length": "3"}, b"\xff\xfe\xfd")
