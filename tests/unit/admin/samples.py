"""Samples as admin takes them, made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingest import readout
from ingest.admin.sample import Sample
from ingest.readout import Readout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.tally import Metric

EMPTY = Sample(
    at=1000.0,
    clock=0.0,
    readouts={},
    silent={},
    urls={},
    restarts={},
    members=[],
    uses={},
    store=None,
    store_fault="",
    stream=None,
    stream_fault="",
    unsettled=None,
)


def process(*metrics: Metric, pid: int = 1, started: float = 0.0) -> Readout:
    """Read metrics out as those of a process."""
    return Readout("", pid, started, 0.0, 0, [readout.family_of(metric) for metric in metrics])


def sample(clock: float, readouts: Mapping[str, Readout | None]) -> Sample:
    """Make a sample so many seconds after the first."""
    return replace(EMPTY, at=EMPTY.at + clock, clock=clock, readouts=readouts)
