"""Which page of a browser asks, told by what only the browser writes."""

from __future__ import annotations

import pytest
from ingest.admin import origin

HOST = {"host": "127.0.0.1:8081"}
OWN = HOST | {"origin": "http://127.0.0.1:8081"}


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_another_page_is_foreign_whatever_it_asks(site: str) -> None:
    given = HOST | {"sec-fetch-site": site, "sec-fetch-mode": "cors"}
    assert all(origin.is_foreign(method, given) for method in ("GET", "POST", "DELETE"))


def test_a_link_may_be_followed_but_no_form_sent() -> None:
    visit = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    given = HOST | visit | {"sec-fetch-site": "cross-site"}
    assert not origin.is_foreign("GET", given)
    assert origin.is_foreign("POST", given)
    assert origin.is_foreign("GET", given | {"sec-fetch-dest": "iframe"})


@pytest.mark.parametrize(
    "other", ["http://evil.example", "http://127.0.0.1:8080", "null", "http://[", "x"]
)
def test_an_origin_that_is_not_here_is_foreign(other: str) -> None:
    assert origin.is_foreign("POST", HOST | {"origin": other})
    assert not origin.is_own(HOST | {"origin": other})
    assert not origin.is_own(HOST | {"origin": other, "sec-fetch-site": "same-origin"})


def test_a_page_from_here_is_own() -> None:
    assert origin.is_own(OWN)
    assert origin.is_own(HOST | {"sec-fetch-site": "same-origin"})
    assert not origin.is_foreign("POST", OWN | {"sec-fetch-site": "same-origin"})


def test_a_program_is_neither_foreign_nor_own() -> None:
    assert not origin.is_foreign("POST", HOST)
    assert not origin.is_own(HOST)
    assert not origin.is_own(HOST | {"sec-fetch-site": "none"})


def test_tls_is_told_by_the_origin() -> None:
    assert origin.is_encrypted({"origin": "https://a.example"})
    assert not origin.is_encrypted(OWN)
    assert not origin.is_encrypted({})
