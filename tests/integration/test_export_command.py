"""`ingest export` as a person uses it, on a real database."""

from __future__ import annotations

import gzip
import json
import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from ingest.store import partitions, projects, session

from tests.running import INGEST, until
from tests.unit.store.rows import DAY, OTHER, PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

INSERT = """
    INSERT INTO event SELECT md5(%s::text || i)::uuid, %s,
        '2026-11-20 01:00Z'::timestamptz + i * interval '1 min', now(), 'x', 'user', NULL,
        jsonb_build_object('i', i, 'text', repeat('x', %s)) FROM generate_series(1, %s) AS i
"""
# More than pipes and buffers hold, so that a command that nobody reads from is still at it.
MANY, WIDE = 2000, 20_000


class Export:
    """A database with 10 events of one project and 5 of another, and the command."""

    def __init__(self, dsn: str, home: Path) -> None:
        self.dsn = dsn
        self.home = home
        self.env = {"INGEST_DATABASE_URL": dsn, "PATH": os.environ["PATH"]}
        with session.connect(dsn, "test") as connection:
            partitions.ensure(connection, [DAY, DAY + 1])
            made = projects.create(connection, "shop", "free")
            assert made is not None
            connection.execute(INSERT, (1, made.project_id, 1, 10))
            connection.execute(INSERT, (2, OTHER, 1, 5))

    def words(self, *arguments: str) -> Sequence[str]:
        """Give the command line."""
        return [*INGEST, "export", *arguments]

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command in an empty directory."""
        return subprocess.run(
            self.words(*arguments),
            env=self.env,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )

    def widen(self) -> None:
        """Add what takes some time to write."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(INSERT, (3, PROJECT, WIDE, MANY // 2))
            connection.execute(INSERT, (4, PROJECT, WIDE, MANY // 2))


@pytest.fixture
def export(dsn: str, tmp_path: Path) -> Export:
    return Export(dsn, tmp_path)


def test_lines_of_a_project_and_a_time(export: Export) -> None:
    done = export("--project", "shop", "--from", "2026-11-20T01:03", "--to", "2026-11-20T01:06")
    assert (done.returncode, done.stderr) == (0, "")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["properties"] for event in events] == [{"i": i, "text": "x"} for i in (3, 4, 5)]
    offset = export(
        "--project", "shop", "--from", "2026-11-20T01:03", "--to", "2026-11-20T02:06+01:00"
    )
    assert offset.stdout == done.stdout
    last = events[0]
    rest = export("--project", "shop", "--after", f"{last['timestamp']},{last['event_id']}")
    assert len(rest.stdout.splitlines()) == 7


def test_an_id_is_never_another_projects_name(export: Export) -> None:
    with session.connect(export.dsn, "test") as connection:
        (victim,) = projects.names(connection)
        shadow = projects.create(connection, str(victim), "free")
        assert shadow is not None
    done = export("--project", str(victim))
    assert len(done.stdout.splitlines()) == 10
    assert export("--project", str(shadow.project_id)).stdout == ""


def test_a_file_is_whole_and_private(export: Export) -> None:
    file = export.home / "events.ndjson"
    file.write_text("old")
    done = export("--output", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"15 events in {file}\n")
    assert len(file.read_text().splitlines()) == 15
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(export.home.iterdir()) == [file]


def test_gz_packs(export: Export) -> None:
    assert export("-o", "events.ndjson.gz").returncode == 0
    packed = gzip.decompress((export.home / "events.ndjson.gz").read_bytes())
    assert packed.decode() == export().stdout


def test_no_events_are_an_empty_file(export: Export) -> None:
    done = export("--from", "2030-01-01", "-o", "none")
    assert (done.returncode, done.stderr) == (0, "0 events in none\n")
    assert (export.home / "none").read_bytes() == b""


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--project", "nobody"], 1, "there is no project 'nobody'"),
        (["--from", "yesterday"], 2, "--from"),
        (["--from", "2026-11-21", "--to", "2026-11-20"], 2, "--from must be before --to"),
        (["--after", "2026-11-20"], 2, "--after"),
        (["-o", "no/such/file"], 1, "No such file"),
        (["-o", "/dev/full"], 1, "No space left"),
    ],
)
def test_what_is_wrong_is_one_line(
    export: Export, arguments: list[str], code: int, told: str
) -> None:
    done = export(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert list(export.home.iterdir()) == []
    assert Path("/dev/full").is_char_device()


def test_a_reader_that_leaves_ends_it_quietly(export: Export) -> None:
    export.widen()
    process = subprocess.Popen(
        export.words(), env=export.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
        assert told == b"", told.decode()
    assert process.returncode == 1


def test_an_interrupted_export_leaves_no_file(export: Export) -> None:
    export.widen()
    process = subprocess.Popen(
        export.words("-o", "events.gz"), env=export.env, cwd=export.home, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    with process:
        until(lambda: list(export.home.glob("events.gz.*.part")), 30, "it writes")
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        assert told == b"", told.decode()
    assert process.returncode == 130
    assert list(export.home.iterdir()) == []


def test_only_a_terminal_is_kept_from_what_a_client_wrote(export: Export) -> None:
    wrote = "\x1b]0;owned\x07\x9b2J\u202eevil grüße"
    with psycopg.connect(export.dsn) as connection:
        connection.execute("UPDATE event SET user_id = %s", (wrote,))
    piped = export().stdout
    assert piped.count("\x9b2J\u202eevil grüße") == 15
    file = export.home / "events"
    assert export("-o", str(file)).returncode == 0
    assert file.read_text() == piped
    shown = _on_terminal(export.words(), export).decode()
    assert all(line.isprintable() for line in shown.split("\r\n"))
    assert [json.loads(line) for line in shown.splitlines()] == [
        json.loads(line) for line in piped.split("\n")[:-1]
    ]


def _on_terminal(words: Sequence[str], export: Export) -> bytes:
    """Run with a terminal as stdout, and give what it got."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(words, env=export.env, cwd=export.home, stdout=theirs) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0
    return shown


def test_progress_is_for_terminals_only(export: Export) -> None:
    with psycopg.connect(export.dsn) as connection:
        connection.execute(INSERT, (5, UUID(int=5), 1, 1000))
    ours, theirs = pty.openpty()
    env = export.env | {"TERM": "xterm", "COLUMNS": "80"}
    subprocess.run(
        export.words("-o", "events"), env=env, cwd=export.home, stderr=theirs, check=True
    )
    os.close(theirs)
    shown = b""
    with open(ours, "rb", 0) as terminal:  # noqa: PTH123
        while chunk := _read(terminal.fileno()):
            shown += chunk
    assert b"exporting" in shown
    assert shown.rstrip().endswith(b"1,015 events in events")


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except OSError:  # the other end is closed
        return b""
