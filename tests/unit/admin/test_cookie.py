"""The session's cookie, written and read."""

from __future__ import annotations

from ingest.admin.cookie import Cookie

COOKIE = Cookie(8081, 60)


def test_written() -> None:
    assert COOKIE.write("abc", is_encrypted=False) == (
        "ingest_session_8081=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
    )
    assert COOKIE.write("abc", is_encrypted=True).endswith("; SameSite=Strict; Secure")
    assert COOKIE.clear().startswith("ingest_session_8081=; Path=/; Max-Age=0;")


def test_read_among_others() -> None:
    assert COOKIE.read("a=b; ingest_session_8081=abc; c=d") == "abc"
    assert COOKIE.read("ingest_session_8082=abc") == ""
    assert COOKIE.read("") == ""
    assert COOKIE.read(";;=;ingest_session_8081") == ""
