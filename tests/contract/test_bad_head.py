"""Heads that can't be followed: refused with a code before the body is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.wire import INGEST, NATIVE, good, head, post, send

if TYPE_CHECKING:
    from tests.running import Running

UNKNOWN = "wk_local_" + "A" * 43
BROKEN = b"{"


@pytest.mark.parametrize("path", INGEST)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Api_Key": UNKNOWN},
        {"X_Api_Key": "wk_local_short"},
        {"X_Api_Key": ""},
        {"Authorization": f"Bearer {UNKNOWN}"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {UNKNOWN}"},
    ],
)
def test_no_or_a_wrong_key(stack: Running, path: str, headers: dict[str, str]) -> None:
    answer = post(stack, BROKEN, path, **{"X_Api_Key": None, **headers})
    assert (answer.status, answer.code) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert UNKNOWN.encode() not in answer.body


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/events/1", "/api/v1/event/", "/-/ready", "/x?y"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_route(stack: Running, method: str, path: str) -> None:
    answer = send(stack, head(method, path, {"Host": "x", "Content-Length": "0"}))
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("path", INGEST)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_a_wrong_method(stack: Running, method: str, path: str) -> None:
    answer = send(stack, head(method, path, {"Host": "x"}))
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


def test_a_wrong_method_of_a_page(stack: Running) -> None:
    for path in ("/health", "/docs", "/docs/openapi.json"):
        answer = send(stack, head("POST", path, {"Host": "x", "Content-Length": "0"}))
        assert (answer.status, answer.code) == (405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
    ],
)
def test_a_wrong_content_type(stack: Running, content_type: str | None) -> None:
    answer = post(stack, good(), Content_Type=content_type)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize("coding", ["gzip", "zstd", "br", "deflate", "identity"])
def test_any_content_encoding(stack: Running, coding: str) -> None:
    answer = post(stack, good(), Content_Encoding=coding)
    assert (answer.status, answer.code) == (415, "unsupported_encoding")


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "schl\xfcssel", "a\tb"])
def test_an_idempotency_key_that_is_none(stack: Running, key: str) -> None:
    answer = post(stack, good(), Idempotency_Key=key)
    assert (answer.status, answer.code) == (400, "invalid_idempotency_key")


def test_two_idempotency_keys(stack: Running) -> None:
    answer = post(stack, good(), Idempotency_Key="a", idempotency_key="b")
    assert (answer.status, answer.code) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize("query", ["strict=yes", "strict=", "strict=true&strict=false"])
def test_a_parameter_that_means_nothing(stack: Running, query: str) -> None:
    answer = post(stack, good(), f"{NATIVE}?{query}")
    assert (answer.status, answer.code) == (400, "invalid_parameter")


def test_no_length(stack: Running) -> None:
    answer = post(stack, b"", Content_Length=None)
    assert (answer.status, answer.code) == (411, "length_required")


def test_a_head_that_is_too_large(stack: Running) -> None:
    answer = post(stack, good(), X_Large="x" * 40_000)
    assert (answer.status, answer.code) == (431, "head_too_large")
