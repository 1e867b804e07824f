"""What can be told of a data directory without the admin process: run.json and both servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.errors import IngestError
from ingest.plural import counted

if TYPE_CHECKING:
    from ingest.local.run_file import RunFile
    from ingest.settings import Settings

MIB = 1 << 20


@dataclass(frozen=True)
class ProcessStatus:
    """One process of run.json as the system sees it; zeros when it is gone."""

    name: str
    pid: int
    is_running: bool
    memory_mib: int = 0
    cpu_s: float = 0.0


@dataclass(frozen=True)
class Status:
    """What the command tells; None and `fault` when a server can't be asked."""

    version: str
    url: str
    admin_url: str
    processes: list[ProcessStatus]
    lag_entries: int | None = None
    stored: int | None = None
    duplicates: int | None = None
    dead: int | None = None
    fault: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether everything is there."""
        return not self.fault and all(process.is_running for process in self.processes)


def ask(settings: Settings, run_file: RunFile) -> Status:
    """Ask the system for its processes, PostgreSQL and Valkey for what is in them."""
    processes = [_process(name, pid) for name, pid in run_file.pids.items()]
    known = Status(run_file.version, run_file.url, run_file.admin_url, processes)
    from ingest.store import survey as store
    from ingest.stream import survey as stream

    try:
        stored = store.survey(run_file.dsn)
        waiting = stream.survey(run_file.valkey_url, settings.shards)
    except IngestError as error:
        return Status(**{**vars(known), "fault": str(error)})
    figures = {
        "lag_entries": waiting.lag(stored.positions),
        "stored": stored.stored,
        "duplicates": stored.duplicates,
        "dead": stored.dead,
    }
    return Status(**{**vars(known), **figures})


def _process(name: str, pid: int) -> ProcessStatus:
    import psutil

    try:
        process = psutil.Process(pid)
        memory, times = process.memory_info().rss // MIB, process.cpu_times()
    except psutil.NoSuchProcess:
        return ProcessStatus(name, pid, is_running=False)
    return ProcessStatus(name, pid, True, memory, round(times.user + times.system, 1))


def text(found: Status) -> str:
    """Give it for people."""
    lines = [_line(process) for process in found.processes]
    if found.fault is not None:
        return "\n".join([*lines, "", f"wrong  {found.fault}"])
    lines += ["", f"lag         {counted(found.lag_entries or 0, 'entry', 'entries')}"]
    lines += [
        f"stored      {counted(found.stored or 0, 'event')}",
        f"duplicates  {found.duplicates or 0:,}",
    ]
    return "\n".join([*lines, f"dead        {found.dead or 0:,}"])


def _line(process: ProcessStatus) -> str:
    if not process.is_running:
        return f"{process.name:<12} gone (was process {process.pid})"
    return (
        f"{process.name:<12} {process.pid:>8} {process.memory_mib:>6} MiB "
        f"{process.cpu_s:>8.1f} s of CPU"
    )
