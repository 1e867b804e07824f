"""Sessions of the dashboard as programs see them: how they begin, what they may, how they end."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from ingest.admin.attempts import MOST
from ingest.cli.greeting import admin_line

from tests.running import INGEST, NO_TLS, Running

if TYPE_CHECKING:
    from pathlib import Path

SESSION, CODE, LETTERS = "/api/v1/session", "/api/v1/login-code", "/api/v1/dead-letters"


def ask(stack: Running, method: str, path: str, **given: object) -> httpx.Response:
    url = stack.run.admin_url + path
    return httpx.request(method, url, verify=NO_TLS, **given)  # type: ignore[arg-type]


def code(stack: Running) -> str:
    bearer = {"Authorization": f"Bearer {stack.run.admin_token}"}
    return str(ask(stack, "POST", CODE, headers=bearer).json()["code"])


def log_in(stack: Running, **secret: str) -> httpx.Response:
    return ask(stack, "POST", SESSION, json=secret)


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def own(stack: Running) -> dict[str, str]:
    return {"Origin": stack.run.admin_url, "Sec-Fetch-Site": "same-origin"}


def test_a_code_begins_one_session(stack: Running) -> None:
    one = code(stack)
    answer = log_in(stack, code=one)
    assert answer.status_code == 204, answer.text
    assert "; HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
    assert "Secure" not in answer.headers["set-cookie"]
    assert log_in(stack, code=one).status_code == 403
    assert ask(stack, "GET", LETTERS, headers=cookie_of(answer)).status_code == 200


def test_behind_tls_the_cookie_is_secure(stack: Running) -> None:
    secure = {"Origin": f"https://127.0.0.1:{stack.admin_port}"}
    answer = ask(stack, "POST", SESSION, json={"code": code(stack)}, headers=secure)
    assert answer.headers["set-cookie"].endswith("; Secure")


def test_the_token_begins_a_session_that_a_logout_ends(stack: Running) -> None:
    cookie = cookie_of(log_in(stack, token=stack.run.admin_token))
    assert ask(stack, "GET", "/", headers=cookie).status_code == 200
    answer = ask(stack, "DELETE", SESSION, headers=cookie | own(stack))
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert ask(stack, "GET", "/", headers=cookie).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_with_a_cookie_only_our_page_changes_anything(
    stack: Running, headers: dict[str, str]
) -> None:
    cookie = cookie_of(log_in(stack, code=code(stack)))
    for method, path in (("POST", f"{LETTERS}/drop"), ("DELETE", SESSION), ("POST", CODE)):
        answer = ask(stack, method, path, json={"all": True}, headers=cookie | headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
    assert ask(stack, "GET", LETTERS, headers=cookie).status_code == 200


def test_a_foreign_page_gets_nothing_even_with_the_token(stack: Running) -> None:
    bearer = {"Authorization": f"Bearer {stack.run.admin_token}"}
    for path in ("/metrics", LETTERS, "/login", "/static/base.css"):
        given = bearer | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        assert ask(stack, "GET", path, headers=given).status_code == 403, path


def test_a_browser_is_shown_where_to_log_in(stack: Running) -> None:
    answer = ask(stack, "GET", "/", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert ask(stack, "GET", LETTERS, headers={"Accept": "text/html"}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/login"])
def test_a_page_may_load_nothing_from_elsewhere(stack: Running, path: str) -> None:
    cookie = cookie_of(log_in(stack, code=code(stack)))
    headers = ask(stack, "GET", path, headers=cookie).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("body", [{}, {"token": 5}, {"code": None}, [], "x"])
def test_a_login_that_is_none(stack: Running, body: object) -> None:
    answer = ask(stack, "POST", SESSION, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_a_login_is_no_form(stack: Running) -> None:
    answer = ask(stack, "POST", SESSION, data={"token": stack.run.admin_token})
    assert answer.json()["code"] == "unsupported_media_type"


def test_the_command_prints_a_link_and_no_log_has_a_secret(stack: Running) -> None:
    command = [*INGEST, "dashboard", "--data", str(stack.data)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    link = urlsplit(done.stdout.strip())
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{stack.run.admin_url}/login"
    (one,) = parse_qs(link.fragment)["code"]
    answer = log_in(stack, code=one)
    assert answer.status_code == 204
    ticket = cookie_of(answer)["Cookie"].partition("=")[2]
    logs = "".join(file.read_text() for file in (stack.data / "log").glob("*"))
    assert "a session began" in logs
    assert not [secret for secret in (one, ticket, stack.run.admin_token) if secret in logs]


def test_a_terminal_gets_a_link_that_works_and_a_file_gets_none(stack: Running) -> None:
    assert "#code=" not in stack.output.read_text()
    assert admin_line(stack.run, is_terminal=False) == stack.run.admin_url
    said = admin_line(stack.run, is_terminal=True)
    assert stack.run.admin_token not in said
    link, _, once = said.partition("  ")
    assert once == "(works once)"
    assert log_in(stack, code=link.partition("#code=")[2]).status_code == 204


def test_guessing_has_an_end(base: Path) -> None:
    """On a system of its own: nobody can log in for a while."""
    with Running(base / "data") as running:
        for _ in range(MOST):
            assert log_in(running, token="guess").status_code == 403
        answer = log_in(running, token=running.run.admin_token)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
        assert 0 < int(answer.headers["retry-after"]) <= 60
        bearer = {"Authorization": f"Bearer {running.run.admin_token}"}
        assert ask(running, "GET", LETTERS, headers=bearer).status_code == 200
        guess_tokens(running, bearer)


def guess_tokens(running: Running, bearer: dict[str, str]) -> None:
    """Give wrong tokens with requests, here and through the edge, each with an end of its own."""
    wrong = {"Authorization": "Bearer guess"}
    here = [ask(running, "GET", LETTERS, headers=wrong) for _ in range(MOST + 5)]
    assert [answer.status_code for answer in here] == [403] * MOST + [429] * 5
    assert here[-1].json()["code"] == "too_many_attempts"
    assert 0 < int(here[-1].headers["retry-after"]) <= 60
    assert ask(running, "GET", LETTERS, headers=bearer).status_code == 200, "it was right before"

    def make(client: httpx.Client, **headers: str) -> int:
        return client.post("/api/v1/project", json={"name": "-"}, headers=headers).status_code

    with httpx.Client(base_url=running.run.url) as client:
        found = [make(client, **wrong, **{"X-Real-IP": f"192.0.2.{n}"}) for n in range(MOST + 5)]
        assert found == [403] * MOST + [429] * 5
        assert make(client, **bearer) == 429
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=running.run.url, transport=elsewhere) as client:
        assert make(client, **bearer) == 422, "another address has its own limit"
