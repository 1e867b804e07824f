"""`ingest deadletter` as a person uses it, on a real database."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from ingest.store import partitions, session
from ingest.store.load import Unreadable
from ingest.store.repeaters import Repeaters
from ingest.store.sink import Sink

from tests.running import INGEST
from tests.unit.store import storing
from tests.unit.store.chunks import load
from tests.unit.store.rows import DAY, OTHER, row

if TYPE_CHECKING:
    from pathlib import Path

A, B = UUID(int=10), UUID(int=11)
CHECK = "ALTER TABLE event ADD CONSTRAINT no_bad CHECK (event_type <> 'bad')"
LIFT = "ALTER TABLE event DROP CONSTRAINT no_bad"


class Letters:
    """A database with three dead letters, and the command."""

    def __init__(self, dsn: str, home: Path) -> None:
        self._dsn = dsn
        self._home = home
        with session.connect(dsn, "test") as connection:
            partitions.ensure(connection, [DAY])
            connection.execute(CHECK)
            bad = [row(A, event_type="bad", properties={"n": 1}), row(B, OTHER, "bad")]
            broken = [Unreadable("5-0", b"x", 4, "checksum: it does not fit")]
            storing.store(connection, Sink(Repeaters(60)), load([bad], unreadable=broken))

    def __call__(self, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command in an empty directory."""
        return subprocess.run(
            [*INGEST, "deadletter", *arguments],
            env={"INGEST_DATABASE_URL": self._dsn, "INGEST_CONFIG": ""},
            cwd=self._home,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )

    def ids(self, *arguments: str) -> list[int]:
        """List letters and give their numbers."""
        return [letter["id"] for letter in json.loads(self("list", "--json", *arguments).stdout)]

    def execute(self, statement: str) -> None:
        """Change the database."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(statement)

    def fates(self) -> tuple[int, ...]:
        """Sum up the ledger: stored, dead."""
        with psycopg.connect(self._dsn) as connection:
            totals = connection.execute("SELECT sum(stored)::int, sum(dead)::int FROM ledger")
            return totals.fetchone() or ()


@pytest.fixture
def letters(dsn: str, tmp_path: Path) -> Letters:
    return Letters(dsn, tmp_path)


def test_list_shows_a_line_a_letter(letters: Letters) -> None:
    *lines, summary = letters("list").stdout.splitlines()
    assert [line.split()[4] for line in lines[:2]] == ["23514", "23514"]
    assert "no_bad" in lines[0]
    assert "checksum" in lines[2]
    assert summary == "3 dead letters, 3 shown"


def test_list_filters(letters: Letters) -> None:
    assert len(letters.ids()) == 3
    assert len(letters.ids("--code", "23514")) == 2
    assert len(letters.ids("--code", "checksum")) == 1
    assert len(letters.ids("--project", str(OTHER))) == 1
    assert letters.ids("--limit", "1") == letters.ids()[-1:]
    assert letters.ids("--until", "2020-01-01") == []
    assert letters.ids("--since", "2020-01-01T10:00") == letters.ids()


def test_an_unknown_project_is_told(letters: Letters) -> None:
    done = letters("list", "--project", "nobody")
    assert (done.returncode, done.stderr) == (1, "ingest: there is no project 'nobody'\n")


def test_show_gives_the_event_and_the_reason(letters: Letters) -> None:
    first, _, entry = letters.ids()
    text = letters("show", str(first)).stdout
    assert f"event {A} of project" in text
    assert '"n": 1' in text
    found = json.loads(letters("show", str(entry), "--json").stdout)
    assert (found["code"], found["rows"], found["event"]) == ("checksum", 4, None)
    assert letters("show", "99").returncode == 1


def test_what_a_client_wrote_does_not_reach_the_terminal(dsn: str, letters: Letters) -> None:
    """A constraint that reads a number has PostgreSQL quote the value in its message."""
    letters.execute("ALTER TABLE event ADD CONSTRAINT numbers CHECK (user_id::int > 0) NOT VALID")
    wrote = "\x1b]0;owned\x07\x9b2J\u202eevil"
    hostile = row(UUID(int=12), user_id=wrote, properties={"text": wrote})
    with session.connect(dsn, "test") as connection:
        storing.store(connection, Sink(Repeaters(60)), load([[hostile]]))
    (number,) = letters.ids("--code", "22P02")
    listed, shown = letters("list").stdout, letters("show", str(number)).stdout
    for text in (listed, shown):
        assert "owned" in text
        assert all(line.isprintable() for line in text.split("\n"))
    event = json.loads(shown[shown.index("{") :])
    assert (event["user_id"], event["properties"]["text"]) == (wrote, wrote)


def test_replay_needs_to_know_which(letters: Letters) -> None:
    for verb in ("replay", "drop"):
        done = letters(verb)
        assert (done.returncode, "--all" in done.stderr) == (2, True)
    assert letters.fates() == (0, 6)


def test_replay_tells_what_stays_dead(letters: Letters) -> None:
    done = letters("replay", "--all")
    assert done.returncode == 1
    assert done.stdout == "3 letters: 0 events stored, 0 already stored, 6 still dead\n"


def test_replay_stores_and_then_finds_nothing(letters: Letters) -> None:
    letters.execute(LIFT)
    first = letters.ids()[0]
    done = letters("replay", str(first))
    assert (done.returncode, done.stdout.split(",")[0]) == (0, "1 letter: 1 event stored")
    assert letters.fates() == (1, 5)
    again = letters("replay", str(first))
    assert (again.returncode, "not there" in again.stderr) == (1, True)
    assert letters("replay", "--code", "23514").returncode == 0
    assert letters.fates() == (2, 4)


def test_drop_asks_first_and_the_ledger_keeps_counting(letters: Letters) -> None:
    nothing = letters("drop", "999999")
    assert (nothing.returncode, nothing.stdout) == (1, "0 letters dropped\n"), "nothing is asked"
    assert letters("drop", "--code", "23514", answer="n\n").returncode == 1
    assert len(letters.ids()) == 3
    assert letters("drop", "--code", "23514", answer="y\n").returncode == 0
    assert len(letters.ids()) == 1
    assert letters("drop", "--all", "--yes").stdout == "1 letter dropped\n"
    assert (letters.ids(), letters.fates()) == ([], (0, 6))
