"""One load on one running system, until all of it is stored; and all that is recorded of it."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import psycopg

from bench import usage
from bench.e2e.freshness import Prober
from bench.e2e.outcome import Answers, Outcome
from bench.e2e.sampling import Sampler
from bench.e2e.verify import ID_BYTES, empty, verify
from bench.generator import Drive, Generator
from bench.machine import Busy

if TYPE_CHECKING:
    from pathlib import Path

    from bench.generator import Load
    from bench.system import System

SETTLE_S = 600.0
POLL_S = 0.01
LATENCIES = ("p50", "p95", "p99", "p999", "max")
_WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
_TABLE = """
    SELECT coalesce(
        (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('event')),
        pg_total_relation_size('event')
    )::bigint
"""


class NotStoredError(RuntimeError):
    """What was accepted is not settled within ten minutes."""


class Trial:
    """Where a trial keeps its files, and whether it probes for freshness."""

    def __init__(self, system: System, directory: Path) -> None:
        """Write the headers with the system's keys."""
        self.system = system
        self.sampler = Sampler(system)
        self._heads = directory / "heads"
        self._ids = directory / "ids"
        self._probes = directory / "probes"
        self._heads.write_text("".join(f"X-Api-Key: {key}\n" for key in system.keys))
        self._probes.write_bytes(b"")
        self._generator: Generator | None = None
        self._before = Mark(system)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop looking and driving, whatever happened."""
        self.sampler.stop()
        if self._generator is not None:
            self._generator.stop()

    def drive(self, load: Load) -> Drive:
        """Drive the system and wait for the generator's report."""
        self.sampler.start()
        return self._start(load).wait()

    def drive_and_probe(self, load: Load) -> tuple[Drive, list[float]]:
        """Drive it, and probe at the same time."""
        self.sampler.start()
        generator = self._start(load)
        ends = time.monotonic() + load.duration_s
        delays = Prober(self.system, self._probes).run(lambda: time.monotonic() > ends)
        return generator.wait(), delays

    def finish(self, scenario: str, load: Load, drive: Drive, **figures: float) -> Outcome:
        """Wait until all is settled, verify, empty the table, and put the result together."""
        self.wait_settled()
        self.sampler.finish()
        after = Mark(self.system)
        verified = verify(self.system.dsn, (self._ids, self._probes))
        measured = _figures(self._before, after, drive, self.sampler)
        details = _details(self._before, after, load, drive, self.sampler)
        empty(self.system.dsn)
        named = {name: round(value, 4) for name, value in (measured | figures).items()}
        answers = Answers.of(
            drive,
            self._probes.stat().st_size // ID_BYTES,
            needs_all=load.requests is not None,
            promises_fsync=self.system.promises_fsync,
        )
        return Outcome(scenario, self.system.name, named, answers, verified, details)

    def wait_settled(self) -> None:
        """Block until the system owes nothing; NotStoredError after ten minutes."""
        deadline = time.monotonic() + SETTLE_S
        while self.system.settled() < self.system.accepted():
            if time.monotonic() > deadline:
                raise NotStoredError(f"{self.system.name} still owes events")
            time.sleep(POLL_S)

    def _start(self, load: Load) -> Generator:
        self._generator = Generator.start(load, self.system.url, self._heads, self._ids)
        return self._generator


class Mark:
    """The counters at one moment."""

    def __init__(self, system: System) -> None:
        """Read all of them."""
        self.own_s = time.process_time()
        self.settled = system.settled()
        self.pids = system.pids()
        self.cpu_s = usage.cpu_s(self.pids)
        self.busy = Busy.now()
        with psycopg.connect(system.dsn) as connection:
            self.wal_bytes = _number(connection, _WAL)
            self.table_bytes = _number(connection, _TABLE)


def _number(connection: psycopg.Connection[tuple[Any, ...]], question: str) -> int:
    row = connection.execute(question.encode()).fetchone()
    return int(row[0]) if row else 0


def _figures(before: Mark, after: Mark, drive: Drive, sampler: Sampler) -> dict[str, float]:
    events = max(after.settled - before.settled, 1)
    cpu_us = _cpu_us(before, after, events)
    outside = sum(spent for name, spent in cpu_us.items() if name != "postgres")
    return {
        "requests_s": drive.requests_s,
        "accepted_events_s": drive.events_s,
        "stored_events_s": events / _storing_s(sampler),
        **{f"{name}_ms": drive.latency_ms(name) for name in LATENCIES if drive.has_latencies},
        "refused": drive.total["refused"],
        "lost": drive.total["lost"],
        "unsent": drive.total["unsent"],
        "cpu_us_event": sum(cpu_us.values()),
        "cpu_us_event_outside_postgres": outside,
        "wal_bytes_event": (after.wal_bytes - before.wal_bytes) / events,
        "table_bytes_event": after.table_bytes / events,
        "core_mb_s": statistics.median(sampler.core_mb_s),
        **{
            f"memory_peak_own_mib_{name}": peak["own"] / (1 << 20)
            for name, peak in sampler.peaks().items()
        },
        **after.busy.since(before.busy),
        "others_percent": after.busy.others_percent(
            before.busy,
            sum(cpu_us.values()) * events / 1e6 + drive.cpu_s + after.own_s - before.own_s,
        ),
    }


def _details(
    before: Mark, after: Mark, load: Load, drive: Drive, sampler: Sampler
) -> dict[str, Any]:
    events = max(after.settled - before.settled, 1)
    load_settings = asdict(load) | {"bodies": load.bodies.name}
    return {
        "load": load_settings,
        "cpu_us_event": _cpu_us(before, after, events),
        "generator_cpu_s": drive.cpu_s,
        "harness_cpu_s": after.own_s - before.own_s,
        "restarted": sorted(
            name for name, pid in before.pids.items() if after.pids.get(name) != pid
        ),
        "memory_peak": sampler.peaks(),
        "memory": [
            (at_s, {name: part.own for name, part in found.items()})
            for at_s, found in sampler.memory
        ],
        "samples": sampler.as_rows(),
        "core_mb_s": sampler.core_mb_s,
        "generator": drive.raw,
    }


def _cpu_us(before: Mark, after: Mark, events: int) -> dict[str, float]:
    """Give CPU microseconds an event of each part; one that began meanwhile counts from 0."""
    return {
        name: 1e6 * (spent - before.cpu_s.get(name, 0.0)) / events
        for name, spent in after.cpu_s.items()
    }


def _storing_s(sampler: Sampler) -> float:
    """Give the time from the first send to the last row."""
    return max(sampler.samples[-1].at_s, 1e-9)
