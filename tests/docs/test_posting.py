"""The lines and programs of README.md and docs/posting-events.md, run as they stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import psycopg
import pytest

from tests.docs import pages
from tests.running import NO_TLS, event

if TYPE_CHECKING:
    from pathlib import Path

    from tests.running import Running

PAGE = "docs/posting-events.md"
STORED_TIMEOUT_S = 20.0
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

pytestmark = pytest.mark.stack


def shell(text: str, folder: Path, stack: Running) -> Any:
    """Run lines in a folder with `data/key`; gives the answer's JSON."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "key").write_text(stack.run.api_key + "\n")
    text = text.replace("http://127.0.0.1:8080", stack.run.url)
    done = subprocess.run(
        ["bash", "-euc", text], cwd=folder, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def without_ids(answer: Any) -> Any:
    return json.loads(ID.sub("id", json.dumps(answer)))


@pytest.mark.parametrize(("page", "label"), [("README.md", "post"), (PAGE, "one"), (PAGE, "many")])
def test_curl_gets_the_answer_that_the_page_shows(
    page: str, label: str, tmp_path: Path, stack: Running
) -> None:
    lines = pages.labelled(page, label).text
    if page == PAGE:
        lines = pages.labelled(page, "setup").text + lines
    answer = shell(lines, tmp_path, stack)
    shown = json.loads(pages.labelled(page, f"{label}-answer").text)
    assert without_ids(answer) == without_ids(shown)
    assert are_stored(stack, answer["event_ids"])


def are_stored(stack: Running, event_ids: list[str]) -> bool:
    deadline = time.monotonic() + STORED_TIMEOUT_S
    with psycopg.connect(stack.run.dsn, autocommit=True) as connection:
        while time.monotonic() < deadline:
            found = connection.execute(
                "SELECT count(*) FROM event WHERE event_id = ANY(%s::uuid[])", (event_ids,)
            ).fetchone()
            if found == (len(event_ids),):
                return True
            time.sleep(0.01)
    return False


def test_the_shown_problem_is_the_answer_without_a_key(tmp_path: Path, stack: Running) -> None:
    answer = shell(f"curl -sS -X POST {stack.run.url}/v1/events", tmp_path, stack)
    assert answer == json.loads(pages.labelled(PAGE, "problem").text)


PROGRAMS = {"python": ("python3", "post.py"), "javascript": ("node", "post.mjs")}


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_client_posts_one_event(language: str, tmp_path: Path, stack: Running) -> None:
    done = client(language, tmp_path, stack.run.url, stack.run.api_key)
    assert done.stdout == "1 accepted, 0 rejected\n"


def client(language: str, folder: Path, url: str, key: str) -> subprocess.CompletedProcess[str]:
    """Run the page's program; skips where its language is missing."""
    command, name = PROGRAMS[language]
    if shutil.which(command) is None:
        pytest.skip(f"{command} is not installed")
    (block,) = pages.blocks(pages.ROOT / PAGE, language)
    (folder / name).write_text(block.text)
    return subprocess.run(
        [command, name],
        cwd=folder,
        env=os.environ | {"EVENTS_URL": url, "EVENTS_KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_client_gives_up_on_what_can_not_succeed(
    language: str, tmp_path: Path, stack: Running
) -> None:
    done = client(language, tmp_path, stack.run.url, "wk_live_" + "x" * 43)
    assert done.returncode == 1
    assert '"code":"unauthorized"' in done.stderr.replace('\\"', '"')


SENT_WITH = {
    "`event_id` in the event": ({"event_id": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}, {}, 1),
    "header `Idempotency-Key`": ({}, {"Idempotency-Key": "one"}, 1),
    "neither": ({}, {}, 2),
}


@pytest.mark.parametrize("row", pages.table(PAGE, "Sent with"), ids=lambda row: row[0])
def test_an_event_that_is_sent_again(row: list[str], stack: Running) -> None:
    fields, headers, times = SENT_WITH[row[0]]
    assert ("stored once" in row[2]) == (times == 1)
    one = event(**fields, user_id=row[0])
    ids = {stack.post(one, **headers).json()["event_ids"][0] for _ in range(2)}
    assert len(ids) == times
    assert are_stored(stack, list(ids))
    with psycopg.connect(stack.run.dsn) as connection:
        found = connection.execute("SELECT count(*) FROM event WHERE user_id = %s", (row[0],))
        assert found.fetchone() == (times,)


class Unreliable(BaseHTTPRequestHandler):
    """Hands requests on to the edge; the first answer is lost, the second is a 503."""

    edge: ClassVar[str]
    answers: ClassVar[list[bytes]]

    def do_POST(self) -> None:
        """Answer the first with nothing, the second with a 503, the third as the edge does."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(self.answers) == 1:
            self.answers.append(b"")
            self.send_response(503)
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        answer = httpx.post(
            f"{self.edge}{self.path}", content=body, headers=dict(self.headers), verify=NO_TLS
        )
        self.answers.append(answer.content)
        if len(self.answers) > 1:
            self.send_response(answer.status_code)
            self.end_headers()
            self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_client_repeats_and_the_event_is_stored_once(
    language: str, tmp_path: Path, stack: Running
) -> None:
    answers: list[bytes] = []
    handler = type("Handler", (Unreliable,), {"edge": stack.run.url, "answers": answers})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{proxy.server_port}"
        done = client(language, tmp_path, url, stack.run.api_key)
        proxy.shutdown()
    assert done.stdout == "1 accepted, 0 rejected\n"
    lost, answered = (json.loads(answer) for answer in answers if answer)
    assert lost == answered
    assert are_stored(stack, answered["event_ids"])


def test_openapi_names_every_route_of_the_page(tmp_path: Path, stack: Running) -> None:
    document = shell(f"curl -sS {stack.run.url}/docs/openapi.json", tmp_path, stack)
    told = set(re.findall(r"(?:POST `?|`POST |`)(/(?:v1|api/v1|docs)[\w/.]*)", pages.page(PAGE)))
    assert told
    assert told <= document["paths"].keys()
