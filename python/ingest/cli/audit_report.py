"""What `ingest audit` says: the equation by project and hour, and what does not come out."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from ingest.balance import NO_PROJECT, Line, Verdict
from ingest.plural import counted, form
from ingest.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from ingest.balance import Balance
    from ingest.cli.refusals import Refusals

HOUR_S = 3600
# Lines of earlier hours are only shown when they don't come out.
SHOWN_HOURS = 24
SUMMED = ("accepted", "stored", "in_stream", "duplicates", "dead")
COLUMNS = (*SUMMED, "missing")
NOTHING = "  nothing"
UNREADABLE = "(unreadable)"


class Report(NamedTuple):
    """All shards, the projects' names, and what was refused (a text: why that is not known)."""

    balances: Sequence[Balance]
    names: Mapping[UUID, str]
    refused: Refusals | str

    @property
    def verdict(self) -> Verdict:
        """The worst of all shards."""
        order = list(Verdict)
        return max((each.verdict for each in self.balances), key=order.index, default=Verdict.EXACT)

    @property
    def lines(self) -> list[Line]:
        """One line a project and hour, over all shards."""
        sums: dict[tuple[int, bytes], Line] = {}
        for line in (line for balance in self.balances for line in balance.lines):
            key = line.hour, line.project_id
            sums[key] = _add(sums.get(key, Line(line.project_id, line.hour)), line)
        return [sums[key] for key in sorted(sums)]

    def name(self, line: Line) -> str:
        """Name a line's project."""
        from uuid import UUID

        project = UUID(bytes=line.project_id)
        is_unknown = line.project_id == NO_PROJECT
        return UNREADABLE if is_unknown else self.names.get(project, str(project))


def as_json(report: Report) -> dict[str, object]:
    """Give all of it, for scripts."""
    refused = report.refused
    return {
        "verdict": report.verdict,
        **_counts(_total(report.lines)),
        "lines": [
            {"project": report.name(line), "hour": _hour(line), **_counts(line)}
            for line in report.lines
        ],
        "shards": [_shard(balance) for balance in report.balances],
        "refused": refused if isinstance(refused, str) else asdict(refused),
    }


def text(report: Report) -> str:
    """Give it for people: older lines only where they don't come out."""
    lines = report.lines
    newest = max((line.hour for line in lines), default=0)
    shown = [line for line in lines if line.missing or line.hour > newest - SHOWN_HOURS]
    rows = [["project", "hour", *(name.replace("_", " ") for name in COLUMNS)]]
    rows += [[report.name(line), _hour(line), *_figures(line)] for line in shown]
    rows.append(["all", counted(len(lines), "line"), *_figures(_total(lines))])
    told = [*_table(rows), "", *_notes(report), "", *_refused(report.refused)]
    return "\n".join(map(visible, told))


def _add(total: Line, line: Line) -> Line:
    return replace(total, **{name: getattr(total, name) + getattr(line, name) for name in SUMMED})


def _total(lines: Iterable[Line]) -> Line:
    total = Line(NO_PROJECT, 0)
    for line in lines:
        total = _add(total, line)
    return total


def _shard(balance: Balance) -> dict[str, object]:
    named = ("shard", "verdict", "position", "upto", "since_ms", "fault")
    counted = ("missing", "unreadable", "unwitnessed", "unaccepted")
    return {name: getattr(balance, name) for name in (*named, *counted)}


def _counts(line: Line) -> dict[str, int]:
    return {name: getattr(line, name) for name in COLUMNS}


def _hour(line: Line) -> str:
    return f"{datetime.fromtimestamp(line.hour * HOUR_S, UTC):%Y-%m-%dT%H:%MZ}"


def _figures(line: Line) -> list[str]:
    return [f"{count:,}" for count in _counts(line).values()]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if number < 2 else cell.rjust(width)  # noqa: PLR2004 - two of text
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _notes(report: Report) -> list[str]:
    notes = [note for balance in report.balances for note in _notes_of(balance)]
    said = {
        Verdict.EXACT: "exact: every accepted event is accounted for",
        Verdict.WRONG: "NOT EXACT",
        Verdict.UNWITNESSED: "exact, but for events whose counters were lost",
    }
    return [*notes, said[report.verdict]]


def _notes_of(balance: Balance) -> list[str]:
    notes = [balance.fault] if balance.fault else []
    if balance.missing:
        notes.append(f"not found under their project: {counted(balance.missing, 'accepted event')}")
    if balance.unreadable:
        notes.append(f"in entries that can't be read: {counted(balance.unreadable, 'event')}")
    if balance.unaccepted:
        notes.append(f"here, but accepted by nobody: {counted(balance.unaccepted, 'event')}")
    if balance.unwitnessed and balance.since_ms:
        at = datetime.fromtimestamp(balance.since_ms / 1000, UTC)
        notes.append(
            f"counters were lost with the stream at {at:%Y-%m-%d %H:%M:%S} UTC:"
            f" {counted(balance.unwitnessed, 'event')} before that can't be compared"
        )
    return [f"shard {balance.shard}: {note}" for note in notes]


def _refused(refused: Refusals | str) -> list[str]:
    """Refused events were never accepted: they are no part of the equation."""
    if isinstance(refused, str):
        return [f"refused: not known ({refused})"]
    since = ", ".join(f"{name} {start}" for name, start in refused.since.items())
    by_workers = [*_listed(refused.events, "event"), *_listed(refused.requests, "request")]
    return [
        f"refused, by workers since they started ({since}):",
        *(by_workers or [NOTHING]),
        f"refused, by the edge since admin started ({refused.edge_since}):",
        *(_listed(refused.edge, "request") or [NOTHING]),
    ]


def _listed(counts: Mapping[str, int], noun: str) -> list[str]:
    return [_refusal(code, count, noun) for code, count in counts.items()]


def _refusal(code: str, count: int, noun: str) -> str:
    return f"  {code:<32}{count:>12,} {form(count, noun)}"
