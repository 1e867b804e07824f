"""What `ingest up` prints when it is ready: addresses, the key, lines that work when pasted."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ingest.cli import login_link
from ingest.cli.admin_client import AdminClient
from ingest.errors import IngestError
from ingest.local import private_file
from ingest.local.postgres import DATABASE, OWNER

if TYPE_CHECKING:
    from ingest.local.run_file import RunFile
    from ingest.local.stack import Stack

QUERY = "SELECT event_type, timestamp, properties FROM event ORDER BY received_at DESC LIMIT 5"


def greeting(stack: Stack, run_file: RunFile, seconds: float, is_terminal: bool) -> str:
    """Write it; the key itself goes to a terminal only, a log gets the path of its file."""
    key_file = stack.home.key_file
    key = run_file.api_key if is_terminal else f"$(cat {shlex.quote(str(key_file))})"
    shown = f"{run_file.api_key}  (kept in {key_file})" if is_terminal else f"in {key_file}"
    admin = admin_line(run_file, is_terminal)
    return f"""
ingest {run_file.version} is ready after {seconds:.1f} s

  events     {run_file.url}/v1/events
  key        {shown}
  docs       {run_file.url}/docs
  dashboard  {admin}
             (token: admin_token in {stack.home.run_file})
  logs       {stack.home.log}

{_asked(stack)}

  {_curl(stack, run_file.url, key)}

See it:

  {_psql(stack)}

Ctrl-C stops it; a second Ctrl-C forces."""


def admin_line(run_file: RunFile, is_terminal: bool) -> str:
    """Give a link to the dashboard to a terminal, the address alone to a log, which is kept."""
    if is_terminal:
        client = AdminClient(run_file.admin_url, run_file.admin_token)
        with suppress(IngestError):
            return f"{login_link.fresh(client)}  (works once)"
    return run_file.admin_url


def _asked(stack: Stack) -> str:
    if stack.settings.schema_file is None:
        return "Post an event:"
    return "Write an event of your schema into event.json, and post it:"


def _curl(stack: Stack, url: str, key: str) -> str:
    body = f"-d {shlex.quote(json.dumps(_event()))}"
    if stack.settings.schema_file is not None:
        body = "--data-binary @event.json"
    trust = " --insecure" if stack.settings.tls_certificate else ""
    headers = f"-H \"X-Api-Key: {key}\" -H 'Content-Type: application/json'"
    return f"curl -sS{trust} {url}/v1/events {headers} {body}"


def _event() -> dict[str, object]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {
        "event_type": "page_view",
        "timestamp": now.replace("+00:00", "Z"),
        "properties": {"page_url": "https://example.com/"},
    }


def _psql(stack: Stack) -> str:
    """Write a line that shows the newest events; the password is in a file that psql reads."""
    postgres = stack.postgres
    if postgres is None:
        return f'psql "$INGEST_DATABASE_URL" -c {shlex.quote(QUERY)}'
    file = stack.home.path / "pgpass"
    private_file.write(file, f"*:*:*:{OWNER}:{postgres.password}\n")
    words = [postgres.program("psql"), "-h", str(stack.home.socket_dir()), "-U", OWNER]
    return f"PGPASSFILE={shlex.quote(str(file))} {shlex.join([*words, DATABASE, '-c', QUERY])}"
