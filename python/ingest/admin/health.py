"""What /readyz tells: each part of the system, whether it does its work, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ingest.errors import IngestError
from ingest.store import session
from ingest.stream import server_state
from ingest.stream.connection import connect

if TYPE_CHECKING:
    from ingest.admin.processes import Processes
    from ingest.stream.server_state import ServerState

VALKEY_TIMEOUT_S = 2.0
OK_STATUS = 200


class Part(NamedTuple):
    """One part; `reason` is empty while it is well, `detail` is said in any case."""

    name: str
    reason: str
    detail: str = ""


def database(dsn: str) -> Part:
    """Ask PostgreSQL for its version, over a connection of its own."""
    try:
        with session.connect(dsn, "ingest admin") as connection:
            version = connection.info.server_version
    except IngestError as error:
        return Part("postgresql", str(error))
    return Part("postgresql", "", f"version {version // 10_000}")


def stream(url: str) -> Part:
    """Ask Valkey how it is set up; acknowledgements from `memory` are no fault, but told."""
    try:
        state = server_state.ask(connect(url, name="ingest-admin", timeout_s=VALKEY_TIMEOUT_S))
    except IngestError as error:
        return Part("valkey", str(error))
    return Part("valkey", state.fault or "", f"ack {state.level}, {_memory(state)}")


def of_processes(processes: Processes) -> list[Part]:
    """Ask workers and consumers whether they do their work."""
    return [
        Part(
            told.process,
            "" if told.status == OK_STATUS else _reason(told.text),
            processes.urls[told.process],
        )
        for told in processes.ask("/-/ready")
    ]


def _reason(text: bytes) -> str:
    return text.decode("utf-8", "replace") or "no answer"


def _memory(state: ServerState) -> str:
    most = "no known bound" if state.max_bytes is None else f"{state.max_bytes >> 20} MiB"
    return f"{state.used_bytes >> 20} MiB used of {most}"
